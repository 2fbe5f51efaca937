import { describe, expect, it } from "vitest";
import type { GaugeBudget } from "../../../src/protocol/editor.ts";
import type { EditorPage, WithPage } from "../../support/webview/pageHarness.ts";
import { exampleSnapshot, next } from "../../support/webview/snapshots.ts";

const kib = 1024;
const mark = (editor: EditorPage, name: string) => editor.page.getByRole("slider", { name: `${name} limit` });

/** Takes a mark and moves it to a part of its bar, in steps; does not let go. */
async function drag(editor: EditorPage, resource: string, to: number): Promise<void> {
  const bar = await editor.find(`[data-resource=${resource}] .bar`).boundingBox();
  const handle = await editor.find(`[data-resource=${resource}] .bar-mark`).boundingBox();
  if (bar === null || handle === null) throw new Error("no bar");
  const y = bar.y + bar.height / 2;
  await editor.page.mouse.move(handle.x + 1, y);
  await editor.page.mouse.down();
  await editor.page.mouse.move(bar.x + bar.width * to, y, { steps: 8 });
}

/** Budgets: dragging, typing, arrow keys, what the figures say. */
export function gaugesSuite(withPage: WithPage): void {
  describe("budget gauges", () => {
    const snapshot = exampleSnapshot("max78000");

    it("say use, limit and what is left, to eyes and to screen readers", () =>
      withPage({ snapshot }, async (editor) => {
        const gauge = editor.page.getByRole("group", { name: "Weight memory" });
        expect((await gauge.innerText()).replace(/\s+/g, " ")).toBe("Weight memory 31.3 of 32 KiB 0.7 left");
        const slider = mark(editor, "Weight memory");
        expect(await slider.getAttribute("aria-valuetext")).toBe("32 KiB, 31.3 used");
        expect(await slider.getAttribute("aria-valuenow")).toBe("32");
        expect(await mark(editor, "Latency").getAttribute("aria-valuetext")).toBe("5 ms, 3.66 used");
      }));

    it("try a limit while it is dragged and once more when it is let go", () =>
      withPage({ snapshot }, async (editor) => {
        await drag(editor, "weightMemory", 0.7);
        const moves = (await editor.messages()).filter((m) => m.type === "tryBudget");
        expect(moves.length).toBeGreaterThan(2);
        expect(moves.every((m) => m.type === "tryBudget" && !m.done && m.resource === "weightMemory")).toBe(true);
        expect(await editor.find("[data-resource=weightMemory] .limit").innerText()).toBe("28");
        await editor.page.mouse.up();
        await editor.message({ type: "tryBudget", resource: "weightMemory", limit: 28 * kib, done: true });
      }));

    it("show each snapshot during a drag, and move nothing but the bars", () =>
      withPage({ snapshot }, async (editor) => {
        const before = await editor.find(".strip").boundingBox();
        await drag(editor, "weightMemory", 0.5);
        const budgets: readonly GaugeBudget[] = snapshot.budgets.map((b) =>
          b.name === "weightMemory" ? { ...b, limit: 20 * kib, use: 22 * kib } : b,
        );
        await editor.show(
          next(snapshot, {
            budgets,
            notices: [{ kind: "whatIf", resource: "weightMemory", limit: 20 * kib, profileLimit: 32 * kib }],
            verdict: { verdict: "infeasible", headline: "Does not fit: weight memory is 2.0 KiB over", detail: "" },
            remedies: [
              {
                label: "Raise budget to 22.0 KiB",
                action: { kind: "setBudgets", limits: { weightMemory: 22 * kib } },
              },
            ],
          }),
        );
        const gauge = editor.find("[data-resource=weightMemory]");
        expect(await gauge.innerText()).toContain("2.0 over");
        expect(await editor.find(".strip").boundingBox()).toEqual(before);
        expect(await editor.find(".verdict").innerText()).toContain("Does not fit: weight memory is 2.0 KiB over");
        await editor.page.mouse.up();
        // Let go, the page says the rest: what is tried, and the way out.
        await expect
          .poll(() => editor.find(".banner").innerText())
          .toContain("Trying 20 KiB of weight memory. The profile still says 32 KiB.");
        expect(await editor.page.getByRole("button", { name: "Raise budget to 22.0 KiB" }).count()).toBe(1);
      }));

    it("keep what was let go until the host has it", () =>
      withPage({ snapshot }, async (editor) => {
        await drag(editor, "weightMemory", 0.6);
        await editor.page.mouse.up();
        await editor.show(next(snapshot, {}));
        expect(await editor.find("[data-resource=weightMemory] .limit").innerText()).toBe("24");
      }));

    it("undo a drag with Escape", () =>
      withPage({ snapshot }, async (editor) => {
        await drag(editor, "weightMemory", 0.5);
        await editor.page.keyboard.press("Escape");
        await editor.message({ type: "tryBudget", resource: "weightMemory", limit: 32 * kib, done: true });
        await editor.page.mouse.up();
        expect((await editor.messages()).filter((m) => m.type === "tryBudget" && m.done)).toHaveLength(1);
      }));

    it("move by 1 % and 10 % with the arrow keys, and back with Escape", () =>
      withPage({ snapshot }, async (editor) => {
        await mark(editor, "Latency").focus();
        await editor.page.keyboard.press("ArrowLeft");
        await editor.message({ type: "tryBudget", resource: "latency", limit: 0.00495, done: true });
        await editor.page.keyboard.press("Shift+ArrowRight");
        await editor.message({ type: "tryBudget", resource: "latency", limit: 0.005445, done: true });
        await editor.page.keyboard.press("Escape");
        await editor.message({ type: "tryBudget", resource: "latency", limit: 0.005, done: true });
      }));

    it.each([
      ["28", 28 * kib],
      ["0.02 MiB", 20972],
      ["29696 B", 29 * kib],
      ["", null],
    ])("take a typed limit: '%s'", (typed, limit) =>
      withPage({ snapshot }, async (editor) => {
        await editor.find("[data-resource=weightMemory] .limit").click();
        await editor.find(".inline-field").fill(typed);
        await editor.page.keyboard.press("Enter");
        await editor.message({ type: "tryBudget", resource: "weightMemory", limit, done: true });
        expect(await editor.find(".inline-field").count()).toBe(0);
      }),
    );

    it("do not take what is no amount, and leave with Escape", () =>
      withPage({ snapshot }, async (editor) => {
        await mark(editor, "Energy").focus();
        await editor.page.keyboard.press("Enter");
        const field = editor.find(".inline-field");
        await field.fill("a lot");
        await editor.page.keyboard.press("Enter");
        expect(await field.getAttribute("aria-invalid")).toBe("true");
        await editor.page.keyboard.press("Escape");
        expect(await field.count()).toBe(0);
        expect((await editor.messages()).some((m) => m.type === "tryBudget")).toBe(false);
      }));

    it("offer to keep a tried limit or to drop it", () => {
      const budgets = snapshot.budgets.map((b) => (b.name === "latency" ? { ...b, limit: 4.5e-3 } : b));
      const notices = [{ kind: "whatIf", resource: "latency", limit: 4.5e-3, profileLimit: 5e-3 }] as const;
      return withPage({ snapshot: next(snapshot, { budgets, notices }) }, async (editor) => {
        expect(await editor.find(".banner").innerText()).toContain(
          "Trying 4.5 ms of latency. The profile still says 5 ms.",
        );
        await editor.page.getByRole("button", { name: "Write to Profile" }).click();
        await editor.message({ type: "command", command: "writeToProfile" });
        await editor.page.getByRole("button", { name: "Reset", exact: true }).click();
        await editor.message({ type: "command", command: "resetWhatIf" });
      });
    });

    it("say that a limit is taken away for a trial", () => {
      const budgets = snapshot.budgets.map(({ limit, ...b }) =>
        b.name === "weightMemory" || !limit ? b : { ...b, limit },
      );
      const notices = [{ kind: "whatIf", resource: "weightMemory", limit: null, profileLimit: 32 * kib }] as const;
      return withPage({ snapshot: next(snapshot, { budgets, notices }) }, async (editor) => {
        expect(await editor.find(".banner").innerText()).toContain(
          "Trying without a limit for weight memory. The profile still says 32 KiB.",
        );
      });
    });

    it("add a decimal where rounding would hide an overrun", () => {
      const budgets = snapshot.budgets.map((b) => (b.name === "weightMemory" ? { ...b, use: 32 * kib + 12 } : b));
      return withPage({ snapshot: next(snapshot, { budgets }) }, async (editor) => {
        const text = await editor.find("[data-resource=weightMemory]").innerText();
        expect(text.replace(/\s+/g, " ")).toContain("32.01 of 32 KiB 0.01 over");
      });
    });

    it("leave out budgets that the profile lacks, and say where it has no figure", () => {
      const budgets = snapshot.budgets
        .filter((b) => b.name !== "bops")
        .map(({ use, limit, profileLimit, ...b }): GaugeBudget => {
          if (b.name === "energy") return b;
          return b.name === "latency"
            ? { ...b, limit: 5e-3, profileLimit: 5e-3 }
            : { ...b, ...(use ? { use } : {}), limit: limit ?? 0, profileLimit: profileLimit ?? 0 };
        });
      return withPage({ snapshot: next(snapshot, { budgets }) }, async (editor) => {
        expect(await editor.find(".strip .gauge").count()).toBe(3);
        expect(await editor.find("[data-resource=latency]").innerText()).toContain("no figure");
      });
    });
  });
}
