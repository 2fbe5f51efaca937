import { mkdirSync, renameSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { testSettings, uriOf } from "../../support/server.ts";
import { writeProfile } from "../../support/smallWorkspace.ts";
import { isDecided, isIdle, isMeasuring, noticesOf, smallBench, useServerBuild, useSharedCache } from "./support.ts";

useServerBuild();
const cache = useSharedCache();

const sensitivities = ({ layers }: EditorSnapshot) => layers.map(({ sensitivity }) => sensitivity);

describe("settings that change while a model is open", () => {
  it("are followed with the samples that they name", async () => {
    const { model, folder, start } = smallBench(cache());
    const aside = path.join(folder, "others.npz");
    renameSync(path.join(folder, "evaluation.npz"), aside);
    const server = await start();
    await server.open(model);
    const before = await server.until(model, (s) => isIdle(s) && s.metric !== undefined);
    expect(before.evaluation).toBeUndefined();
    await server.request(requests.setSettings, { ...testSettings, evaluation: "others.npz" });
    const after = await server.until(model, (s) => isIdle(s) && s.evaluation !== undefined);
    expect(after.evaluation).toMatchObject({ label: "others.npz", samples: 200 });
    await server.request(requests.setSettings, { ...testSettings, calibration: aside });
    const other = await server.until(model, (s) => isIdle(s) && s.calibration?.label === "others.npz");
    expect(other.evaluation).toBeUndefined();
  });

  it("measure anew where it is on other samples, and keep nothing of what was measured on those before", async () => {
    const { model, start } = smallBench();
    const one = await start({ settings: { samples: 32 } });
    await one.open(model);
    await one.until(model, isMeasuring);
    await one.request(requests.setSettings, { ...testSettings, samples: 8 });
    const { now: after } = one;
    const few = await one.until(model, isDecided, { after });
    expect(one.snapshots.slice(after).some(({ snapshot }) => snapshot.work?.stage === "Measuring")).toBe(true);
    await one.stop();
    const { model: again, start: startAgain } = smallBench();
    const two = await startAgain({ settings: { samples: 8 } });
    await two.open(again);
    expect(sensitivities(few)).toEqual(sensitivities(await two.until(again, isDecided)));
  });
});

describe("the setting for the device", () => {
  it("is told of where it names a file that there is not, and followed once it is right", async () => {
    const { model, profile, folder, start } = smallBench(cache());
    const missing = path.join(folder, "no/such.hwprofile.json");
    const server = await start({ settings: { profile: "no/such.hwprofile.json" } });
    await server.open(model);
    const told = await server.until(model, (snapshot) => noticesOf(snapshot).includes("problem"));
    expect(told.notices).toContainEqual(expect.objectContaining({ kind: "problem", code: "SQ1001", file: missing }));
    expect(told.profile).toBeUndefined();
    await server.request(requests.setSettings, { ...testSettings, profile: path.basename(profile) });
    const right = await server.until(model, (snapshot) => snapshot.profile !== undefined);
    expect(noticesOf(right)).not.toContain("problem");
  });

  it("is told of where it is a misspelled preset", async () => {
    const { model, start } = smallBench(cache());
    const server = await start({ settings: { profile: "genric" } });
    await server.open(model);
    const told = await server.until(model, (snapshot) => noticesOf(snapshot).includes("problem"));
    expect(told.notices).toContainEqual(
      expect.objectContaining({ kind: "problem", code: "SQ1014", message: expect.stringContaining("generic") }),
    );
    expect(told.profile).toBeUndefined();
  });

  it("may be in any folder of the workspace, the model's own first", async () => {
    const { model, folder, start } = smallBench(cache());
    const other = `${folder}2`;
    mkdirSync(path.join(other, "devices"), { recursive: true });
    const profile = writeProfile(path.join(other, "devices"));
    const name = path.relative(other, profile);
    const server = await start({ otherFolders: [other], settings: { profile: name } });
    await server.open(model);
    const shown = await server.until(model, (snapshot) => snapshot.profile !== undefined);
    expect(shown.profile?.id).toBe(uriOf(profile));
    mkdirSync(path.join(folder, "devices"));
    const own = writeProfile(path.join(folder, "devices"));
    await server.request(requests.setSettings, { ...testSettings, profile: name });
    await server.until(model, (snapshot) => snapshot.profile?.id === uriOf(own));
  });
});

describe("the devices to choose from", () => {
  it("are told apart by their folders where several have the same file", async () => {
    const { folder, start } = smallBench(cache());
    // A folder whose name begins with the other's.
    const other = `${folder}2`;
    mkdirSync(other);
    writeProfile(other);
    const server = await start({ otherFolders: [other] });
    await server.open(path.join(folder, "resnet8.onnx"));
    const profiles = await server.request(requests.profiles, null);
    const own = profiles.filter(({ kind }) => kind === "workspace");
    expect(own.map(({ label, detail }) => [label, detail])).toEqual([
      ["microcontroller", "workspace"],
      ["microcontroller", "workspace2"],
    ]);
  });
});
