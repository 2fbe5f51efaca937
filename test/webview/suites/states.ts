import { describe, expect, it } from "vitest";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import type { EditorPage, WithPage } from "../../support/webview/pageHarness.ts";
import { bareLayers, exampleSnapshot, next, without } from "../../support/webview/snapshots.ts";

const click = (editor: EditorPage, name: string): Promise<void> =>
  editor.page.getByRole("button", { name, exact: true }).click();
const box = (editor: EditorPage, selector: string) => editor.find(selector).first().boundingBox();

/** Every state that the design has a picture of. */
export function statesSuite(withPage: WithPage): void {
  const full = exampleSnapshot("max78000");
  const limitsOnly = full.budgets.map(({ use: _, ...b }) => b);

  /** Open, nothing measured, being measured. */
  const measuring: EditorSnapshot = without(
    next(full, {
      layers: bareLayers(full, { sigma: true, weights: true, measured: 10 }),
      budgets: limitsOnly,
      work: {
        kind: "analyze",
        stage: "Measuring",
        note: "layer2.1.conv1 at 3 bits",
        done: 41,
        total: 110,
        secondsLeft: 25,
      },
      hasPlan: false,
      trace: [],
    }),
    "verdict",
    "accuracy",
    "pareto",
  );

  describe("states", () => {
    it("has the final layout before anything is known: nothing moves when the figures come", () =>
      withPage({}, async (editor) => {
        const before = await Promise.all([".strip", ".toolbar", ".panel"].map((s) => box(editor, s)));
        expect(await editor.find(".skeleton-row").count()).toBeGreaterThan(7);
        await editor.show(full);
        expect(await Promise.all([".strip", ".toolbar", ".panel"].map((s) => box(editor, s)))).toEqual(before);
        expect(await editor.find(".skeleton:visible").count()).toBe(0);
      }));

    it("measures: says what, how far and how long, and stops on request", () =>
      withPage({ snapshot: measuring }, async (editor) => {
        expect(await editor.find(".work-line").innerText()).toMatch(
          /^Measuring layer2\.1\.conv1 at 3 bits, 41 of 110, about 25 s left/,
        );
        const bar = editor.page.getByRole("progressbar");
        expect(await bar.getAttribute("aria-valuenow")).toBe("37");
        expect(await editor.row("layer2.1.conv1").locator(".heat i.pending").count()).toBe(5);
        expect(await editor.row("layer2.0.downsample.0").locator(".heat i.pending").count()).toBe(0);
        expect(await editor.row("conv1").locator(".skeleton-bits").isVisible()).toBe(true);
        expect(await editor.row("conv1").locator(".cell-sigma").innerText()).toBe("0.1153");
        await click(editor, "Cancel");
        await editor.message({ type: "command", command: "cancel" });
      }));

    it("has no profile: offers to make one or to use one, and shows what needs none", () => {
      const profiles = [{ id: "preset:max78000", label: "MAX78000", kind: "preset" }] as const;
      const layers = bareLayers(full, { sigma: true, weights: true });
      const snapshot = without(
        next(full, { profiles, layers, budgets: [], hasPlan: false, trace: [] }),
        "profile",
        "verdict",
        "accuracy",
        "pareto",
        "metric",
      );
      return withPage({ snapshot }, async (editor) => {
        const band = await editor.find(".band").innerText();
        expect(band).toContain("Choose a device to get bitwidths");
        expect(band).toContain("This workspace has no hardware profile.");
        expect(await editor.find(".strip").isVisible()).toBe(false);
        expect(await editor.row("conv1").locator(".cell-sensitivity").innerText()).toBe("from the weights");
        expect(await editor.page.getByRole("columnheader", { name: "W bits" }).count()).toBe(0);
        await click(editor, "Use MAX78000");
        await editor.message({ type: "selectProfile", id: "preset:max78000" });
        await click(editor, "New Device Profile…");
        await editor.message({ type: "command", command: "newProfile" });
        expect(await editor.page.getByRole("button", { name: "Quantize" }).isDisabled()).toBe(true);
        expect(await editor.find("vscode-button:has-text('Quantize')").getAttribute("title")).toBe(
          "Choose a device first",
        );
      });
    });

    it("does not fit: says by how much and offers ways out, the first one as the primary button", () => {
      const snapshot = next(full, {
        verdict: {
          verdict: "infeasible",
          headline: "Does not fit: weight memory is 1.4 KiB over",
          detail:
            "The smallest plan with the allowed bits (4, 8) needs 21.4 KiB of 20 KiB. Every other budget can be met.",
          binding: "weightMemory",
        },
        remedies: [
          { label: "Raise budget to 21.4 KiB", action: { kind: "setBudgets", limits: { weightMemory: 21914 } } },
          {
            label: "Allow 3 bits",
            detail: "3 bits: 16.6 KiB, −0.9 points expected",
            action: { kind: "allowBits", bits: 3 },
          },
        ],
        budgets: full.budgets.map((b) =>
          b.name === "weightMemory" ? { ...b, use: 21914, limit: 20480, profileLimit: 20480 } : b,
        ),
      });
      return withPage({ snapshot }, async (editor) => {
        expect(await editor.find(".band").innerText()).toContain("Does not fit: weight memory is 1.4 KiB over");
        expect(await editor.find(".band").innerText()).toContain("3 bits: 16.6 KiB, −0.9 points expected");
        expect(await editor.find(".strip .verdict").count()).toBe(0);
        expect(await editor.find(".gauge.over").innerText()).toContain("1.4 over");
        expect(await editor.find(".band vscode-button").first().getAttribute("appearance")).toBe("primary");
        await click(editor, "Allow 3 bits");
        await editor.message({ type: "applyRemedy", index: 1 });
      });
    });

    it("has synthetic samples: marks every figure that is one", () => {
      const calibration = {
        id: "synthetic",
        label: "Synthetic samples",
        samples: 64,
        hasLabels: false,
        synthetic: true,
      };
      const snapshot = without(
        next(full, { synthetic: true, calibration, notices: [{ kind: "synthetic" }] }),
        "accuracy",
      );
      return withPage({ snapshot }, async (editor) => {
        expect(await editor.find(".banner.warning").innerText()).toContain(
          "No calibration set: sensitivities are estimated on synthetic samples (~). They rank layers but do not predict accuracy.",
        );
        expect(await editor.row("layer2.0.conv1").locator(".loss").innerText()).toBe("~0.013");
        expect(await editor.row("layer2.0.conv1").locator(".cell-share").innerText()).toBe("~5 %");
        await click(editor, "Choose Calibration Set…");
        await editor.message({ type: "command", command: "chooseCalibration" });
      });
    });

    it("is stale: tells which figures are from before", () => {
      const layers = full.layers.map((l) => (l.name === "conv1" ? { ...l, outdated: true } : l));
      const snapshot = next(full, { layers, notices: [{ kind: "stale", changed: 3, layers: 23, secondsAgo: 125 }] });
      return withPage({ snapshot }, async (editor) => {
        expect(await editor.find(".banner").innerText()).toContain(
          "The model changed on disk 2 minutes ago: 3 of 23 layers differ. Their figures are from before.",
        );
        expect(await editor.row("conv1").innerText()).toContain("outdated");
        expect(await editor.find(".facts").innerText()).toContain("plan made for an earlier version of this model");
        await click(editor, "Analyze 3 Layers");
        await editor.message({ type: "command", command: "analyze" });
      });
    });

    it("is not trusted: shows what needs no run, and why the rest is not there", () => {
      const layers = bareLayers(full, { sigma: true, weights: true });
      const snapshot = without(
        next(full, { trusted: false, layers, budgets: [], hasPlan: false, notices: [{ kind: "untrusted" }] }),
        "verdict",
        "accuracy",
        "pareto",
        "metric",
      );
      return withPage({ snapshot }, async (editor) => {
        expect(await editor.find(".banner").innerText()).toContain("Restricted Mode: the model is shown but not run.");
        expect(await editor.page.getByRole("columnheader", { name: "KL of the weights" }).count()).toBe(1);
        expect(await editor.row("conv1").innerText()).toContain("needs trust");
        for (const name of ["Analyze", "Quantize"]) {
          expect(await editor.page.getByRole("button", { name }).isDisabled()).toBe(true);
          expect(await editor.find(`vscode-button:has-text('${name}')`).getAttribute("title")).toContain(
            "Restricted Mode",
          );
        }
        await click(editor, "Manage Workspace Trust");
        await editor.message({ type: "command", command: "manageTrust" });
      });
    });

    it("cannot read the file: what, why, what to do, the code last", () => {
      const fatal = {
        title: "resnet20-w8.onnx cannot be read",
        message:
          "The file ends inside the weight of layer3.2.conv2: the header claims 36,864 bytes at offset 229,412 but the file has 240,128",
        remedy: "The download or copy was probably cut short",
        code: "SQ2004",
        slug: "truncated-tensor",
      };
      return withPage({ snapshot: next(full, { fatal, layers: [] }) }, async (editor) => {
        const text = await editor.page.getByRole("alert").innerText();
        expect(text).toContain("has 240,128. The download or copy was probably cut short.");
        expect(text).toMatch(/SQ2004 truncated-tensor\s+Try Again/);
        await click(editor, "Open in Hex Editor");
        await editor.message({ type: "command", command: "openHex" });
        await click(editor, "Try Again");
        await editor.message({ type: "command", command: "retry" });
        // The next snapshot may be of a file that can be read.
        await editor.show(next(next(full, {}), {}));
        expect(await editor.row("conv1").isVisible()).toBe(true);
      });
    });

    it("was cut off: says what was kept, and that nothing was evaluated", () => {
      const snapshot = next(full, {
        notices: [{ kind: "restarted", kept: 62, total: 110 }, { kind: "noEvaluation" }],
      });
      return withPage({ snapshot }, async (editor) => {
        const banners = await editor.find(".notices").first().innerText();
        expect(banners).toContain("The SigmaQuant server stopped and was restarted. 62 of 110 measurements were kept.");
        await click(editor, "Resume");
        await editor.message({ type: "command", command: "resume" });
        await click(editor, "Choose Evaluation Set…");
        await editor.message({ type: "command", command: "chooseEvaluation" });
      });
    });

    it("was cut off at a layer: names it, and those that are left out as they can't be run", () => {
      const restarted = { kind: "restarted", kept: 62, total: 110, layer: "conv7" } as const;
      return withPage({ snapshot: next(full, { notices: [restarted] }) }, async (editor) => {
        const banner = editor.find(".banner");
        expect(await banner.innerText()).toContain(
          "stopped at conv7 and was restarted. 62 of 110 measurements were kept.",
        );
        await editor.show(next(next(full, {}), { notices: [{ kind: "skipped", layers: ["conv7"] }] }));
        expect(await banner.innerText()).toContain("conv7 stays in float: running it stopped ONNX Runtime");
        await click(editor, "Try Again");
        await editor.message({ type: "command", command: "analyze" });
      });
    });

    it("keeps the keyboard on a banner's link when its text changes", () => {
      const stale = (secondsAgo: number) => [{ kind: "stale", changed: 3, layers: 23, secondsAgo }] as const;
      return withPage({ snapshot: next(full, { notices: stale(60) }) }, async (editor) => {
        await editor.page.getByRole("button", { name: "Analyze 3 Layers" }).focus();
        await editor.show(next(next(full, {}), { notices: stale(180) }));
        expect(await editor.find(".banner").innerText()).toContain("3 minutes ago");
        expect(await editor.page.evaluate("document.activeElement.textContent")).toBe("Analyze 3 Layers");
      });
    });

    it("announces the verdict once, and again only when it changes", () =>
      withPage({ snapshot: full }, async (editor) => {
        const status = editor.find(".unseen[role=status]");
        expect(await status.innerText()).toBe("Fits, −0.4 points. measured on 2,000 samples");
        const verdict = {
          verdict: "feasible",
          headline: "Fits, −0.7 points",
          detail: "measured on 2,000 samples",
        } as const;
        await editor.show(next(full, { verdict }));
        expect(await status.innerText()).toBe("Fits, −0.7 points. measured on 2,000 samples");
      }));

    it("sends what is chosen in the header and shows it only when the host does", () =>
      withPage({ snapshot: full }, async (editor) => {
        const profile = editor.page.getByRole("combobox", { name: "Profile" });
        await profile.click();
        await editor.page.getByRole("option", { name: "GAP9 NE16" }).click();
        await editor.message({ type: "selectProfile", id: "devices/gap9.hwprofile.json" });
        expect(await profile.innerText()).toContain("MAX78000");
        await editor.page.getByRole("combobox", { name: "Strategy" }).click();
        await editor.page.getByRole("option", { name: "Exact (proven optimum)" }).click();
        await editor.message({ type: "selectStrategy", strategy: "exact" });
        const target = editor.page.getByRole("textbox", { name: "Accuracy target in points" });
        expect(await target.inputValue()).toBe("−1.0 points");
        await target.fill("0.5");
        await target.press("Enter");
        await editor.message({ type: "setMaxDrop", maxDrop: 0.005 });
        await click(editor, "Analyze");
        await editor.message({ type: "command", command: "analyze" });
        await editor.page.getByRole("button", { name: "More actions" }).click();
        await editor.page.getByRole("menuitem", { name: "Export CSV…" }).click();
        await editor.message({ type: "command", command: "exportCsv" });
      }));

    it("ignores messages that are none of ours", () =>
      withPage({ snapshot: full }, async (editor) => {
        await editor.page.evaluate(
          `window.postMessage({ type: "snapshot", snapshot: { sequence: 99, fileName: "<b>x</b>" } }, "*")`,
        );
        await editor.page.evaluate(`window.postMessage({ type: "run", command: "rm" }, "*")`);
        await editor.show(next(full, {}));
        expect(await editor.find(".name").innerText()).toBe("resnet20-w8.onnx");
      }));

    it("shows names from files as text", () => {
      const name = `<img src=x onerror="window.__errors.push('ran')">`;
      const layers = full.layers.map((l, i) => (i === 0 ? { ...l, name } : l));
      return withPage({ snapshot: next(full, { layers, fileName: name }) }, async (editor) => {
        expect(await editor.find(".name").innerText()).toBe(name);
        expect(await editor.find("img").count()).toBe(0);
      });
    });
  });
}
