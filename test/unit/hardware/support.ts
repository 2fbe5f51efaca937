import { readdirSync, readFileSync } from "node:fs";
import type { HardwareProfile } from "../../../src/core/hardware/profile.ts";
import type { PresetSource } from "../../../src/core/hardware/profileExtends.ts";
import type { Layer } from "../../../src/core/model/layer.ts";

/** A 3x3 convolution, 8 to 16 channels, on 10x10 pixels: 1,152 weights and 115,200 MACs. */
export function conv(changes: Partial<Layer> = {}): Layer {
  return {
    name: "conv",
    opType: "Conv",
    nodes: ["0"],
    weightShape: [16, 8, 3, 3],
    channelAxis: 0,
    groups: 1,
    params: 1152,
    macs: 115_200,
    weightTensor: "conv.weight",
    biasParams: 16,
    inputElements: 800,
    outputElements: 1600,
    floatBytes: 4608,
    ...changes,
  };
}

type Changes = Partial<Omit<HardwareProfile, "memory" | "compute">> & {
  readonly memory?: Partial<HardwareProfile["memory"]>;
  readonly compute?: Partial<NonNullable<HardwareProfile["compute"]>>;
};

/** A device of 2 to 8 bits without figures. */
export function device({ memory, compute, ...changes }: Changes = {}): HardwareProfile {
  return {
    name: "device",
    weightBits: [2, 3, 4, 5, 6, 7, 8],
    activationBits: [8],
    operators: {},
    memory: {
      weightAlignmentBytes: 1,
      weightPacking: "packed",
      scaleBytes: 4,
      zeroPointBytes: 0,
      biasBytes: 4,
      ...memory,
    },
    ...(compute ? { compute: { macUnits: 1, ...compute } } : {}),
    budgets: {},
    accuracy: {},
    sharedBits: { residual: false, groups: [] },
    sources: [],
    ...changes,
  };
}

const media = new URL("../../../media/", import.meta.url);

/** Names of the files of media/profiles, which are the presets' names. */
export const presetNames: readonly string[] = readdirSync(new URL("profiles/", media))
  .map((file) => file.replace(/\.hwprofile\.json$/, ""))
  .sort();

export function presetText(name: string): string | undefined {
  if (!presetNames.includes(name)) return undefined;
  return readFileSync(new URL(`profiles/${name}.hwprofile.json`, media), "utf8");
}

/** The presets as the program has them. */
export const presetSource: Required<PresetSource> = { presets: presetText, presetNames };

export function schemaOf(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`schemas/${file}.schema.json`, media), "utf8"));
}
