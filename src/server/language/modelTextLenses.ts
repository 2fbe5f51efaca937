import { type Lens, lensCommands } from "./lens.ts";
import type { ModelTextContext } from "./modelTextContext.ts";

/** Above the network's nodes: how many layers are quantized with how many bits, and the way to the table. */
export function modelTextLenses({ made, modelUri, summary }: ModelTextContext): readonly Lens[] {
  const offset = made?.graphs[0]?.parts.at(-1)?.offset;
  if (offset === undefined) return [];
  const command = { command: lensCommands.showLayer, arguments: [{ uri: modelUri }] };
  return [...(summary === undefined ? [] : [{ offset, title: summary }]), { offset, title: "Show in table", command }];
}
