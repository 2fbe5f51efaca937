import { isFromDevicesPage, isToDevicesPage } from "../../../src/protocol/devicesGuards.ts";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { pageCommands } from "../../../src/protocol/editor.ts";
import { isFromPage, isToPage } from "../../../src/protocol/editorGuards.ts";
import { exampleHistogram, exampleSnapshot } from "../webview/snapshots.ts";
import type { Kind } from "./kinds.ts";
import { oneOf } from "./mutateBytes.ts";
import { mutateJson } from "./mutateJson.ts";

/** Messages between a page and the extension: whatever comes, a guard says yes or no, and yes to no command that is not on the list. */
export const messageKind: Kind = {
  name: "page messages",
  share: 4,
  memoryMiB: 640,
  open: async () => {
    const snapshot: EditorSnapshot = exampleSnapshot();
    const seeds = [
      { type: "snapshot", snapshot: { ...snapshot, layers: snapshot.layers.slice(0, 3) } },
      { type: "histogram", histogram: exampleHistogram("conv1") },
      { type: "command", command: "quantize" },
      { type: "setBits", layers: ["conv1", "fc"], bits: 4 },
      { type: "tryBudget", resource: "weightMemory", limit: 1024, done: true },
      { type: "copyRows", rows: [{ model: "a", device: "b" }] },
    ].map((message) => new TextEncoder().encode(JSON.stringify(message)));
    return {
      make: (dice) => mutateJson(oneOf(dice, seeds), dice),
      use: async (bytes) => {
        const text = new TextDecoder().decode(bytes);
        let message: unknown = text;
        try {
          message = JSON.parse(text);
        } catch {
          // A message may be a text, too.
        }
        for (const guard of [isToPage, isToDevicesPage, isFromDevicesPage]) guard(message);
        if (!isFromPage(message) || message.type !== "command") return;
        if (!pageCommands.includes(message.command)) throw new Error(`${message.command} was let through`);
      },
    };
  },
};
