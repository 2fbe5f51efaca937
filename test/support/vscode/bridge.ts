import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Ui } from "./ui.ts";

/** What a test in the extension host asks for: a method of Ui by its path, such as ["webview", "click"]. */
export interface UiRequest {
  readonly path: readonly string[];
  readonly args: readonly unknown[];
}

/** The answer: a result, or the message of what went wrong. */
export type UiAnswer = { readonly result: unknown } | { readonly error: string };

/** The environment variable by which the bridge's address reaches the extension host. */
export const bridgeVariable = "SIGMAQUANT_TEST_UI";

/** A running bridge. */
export interface Bridge {
  readonly address: string;
  close(): void;
}

/**
 * Lets tests inside the extension host use the Ui of the process that drives the browser: HTTP on the loopback interface, under a
 * path that nobody can guess.
 * @param ui undefined until the window is there
 */
export async function startBridge(ui: () => Promise<Ui>): Promise<Bridge> {
  const secret = `/${randomBytes(16).toString("hex")}`;
  const server = createServer(async (request, response) => {
    if (request.url !== secret) {
      response.writeHead(404).end();
      return;
    }
    let body = "";
    for await (const chunk of request) body += chunk;
    response.end(JSON.stringify(await answer(await ui(), JSON.parse(body) as UiRequest)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}${secret}`, close: () => server.close() };
}

async function answer(ui: Ui, { path, args }: UiRequest): Promise<UiAnswer> {
  try {
    const name = path.at(-1) ?? "";
    const owner = path
      .slice(0, -1)
      .reduce<Record<string, unknown>>(
        (object, key) => object[key] as Record<string, unknown>,
        ui as unknown as Record<string, unknown>,
      );
    const method = owner[name];
    if (typeof method !== "function") throw new Error(`there is no ui.${path.join(".")}`);
    return { result: (await method.apply(owner, [...args])) ?? null };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
