import path from "node:path";
import type { WorkspaceFiles } from "./workspaceFiles.ts";

/** Names that people give to their sets (files of arrays, then folders of images); the first that is there beside the model is taken. */
const calibrationNames = /^(.*[-_.])?calib(ration)?([-_.].*)?$/i;
const evaluationNames = /^(.*[-_.])?(eval(uation)?|val(id(ation)?)?|test)([-_.].*)?$/i;

/** Sets beside a model, by their names; undefined where there is none. */
export function setsBeside(model: string, files: WorkspaceFiles): { calibration?: string; evaluation?: string } {
  const beside = files.sampleSets.filter((file) => path.dirname(file) === path.dirname(model));
  const named = (pattern: RegExp) => beside.find((file) => pattern.test(path.basename(file)));
  const calibration = named(calibrationNames);
  const evaluation = named(evaluationNames);
  return { ...(calibration && { calibration }), ...(evaluation && { evaluation }) };
}

/** The workspace's profile that is nearest to a model: in its folder, else in the nearest folder above, else the only one. */
export function profileNear(model: string, files: WorkspaceFiles): string | undefined {
  for (let folder = path.dirname(model); ; folder = path.dirname(folder)) {
    const here = files.profiles.find((file) => path.dirname(file) === folder);
    if (here !== undefined) return here;
    if (path.dirname(folder) === folder) break;
  }
  return files.profiles.length === 1 ? files.profiles[0] : undefined;
}
