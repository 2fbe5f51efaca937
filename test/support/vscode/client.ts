import process from "node:process";
import { bridgeVariable, type UiAnswer, type UiRequest } from "./bridge.ts";
import type { Ui } from "./ui.ts";

/**
 * The screen, mouse and keyboard, for tests inside the extension host: each call is carried out by the process that drives the
 * window. Imports types only, so nothing of Playwright gets into the extension host.
 */
export const ui: Ui = remote([]) as Ui;

function remote(path: readonly string[]): unknown {
  return new Proxy(() => undefined, {
    get: (_target, key) => remote([...path, String(key)]),
    apply: (_target, _this, args: readonly unknown[]) => call({ path, args }),
  });
}

async function call(request: UiRequest): Promise<unknown> {
  const address = process.env[bridgeVariable];
  if (address === undefined) throw new Error("No bridge to the window: start these tests with npm test.");
  const response = await fetch(address, { method: "POST", body: JSON.stringify(request) });
  const answer = (await response.json()) as UiAnswer;
  if ("error" in answer) throw new Error(`ui.${request.path.join(".")}: ${answer.error}`);
  return answer.result;
}
