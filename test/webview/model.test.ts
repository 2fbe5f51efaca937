import { describe, expect, it } from "vitest";
import { formatTimeLeft } from "../../src/core/plan/format.ts";
import { foldOf } from "../../webview/fold.ts";
import { formatLoss, formatShare, plainTwoFigures, shortBytes, shortCount } from "../../webview/format/numbers.ts";
import { columnCountScale, scaleFor, threeFigureDecimals } from "../../webview/format/scales.ts";
import { formatAgo, formatDuration } from "../../webview/format/time.ts";
import { csvOf } from "../../webview/model/csv.ts";
import { cutMiddle } from "../../webview/model/cutMiddle.ts";
import { figuresOf, shareOf } from "../../webview/model/figures.ts";
import { parseFilter } from "../../webview/model/filter.ts";
import {
  gaugeFigures,
  limitAtFraction,
  limitBySteps,
  parseLimit,
  parseTarget,
  targetText,
} from "../../webview/model/gauge.ts";
import { groupsOf } from "../../webview/model/groups.ts";
import { heatPercent } from "../../webview/model/heat.ts";
import { pairedInterval } from "../../webview/model/interval.ts";
import { nextSort, orderOf } from "../../webview/model/order.ts";
import { select } from "../../webview/model/selection.ts";
import { totalsOf, totalText } from "../../webview/model/totals.ts";
import { stoppedText } from "../../webview/model/words.ts";
import { restoreView, saveView } from "../../webview/savedState.ts";
import { initialView, networkOrder } from "../../webview/state.ts";
import { exampleSnapshot, next } from "../support/webview/snapshots.ts";

const kib = 1024;
const f = figuresOf(exampleSnapshot("max78000"));
const all = [...f.rows.keys()];

describe("numbers", () => {
  it("picks one unit for a column, with room for small layers", () => {
    expect(columnCountScale(99_999).label).toBe("");
    expect(columnCountScale(589_824).label).toBe("k");
    expect(columnCountScale(11_796_480).label).toBe("k");
    expect(columnCountScale(2e10).label).toBe("M");
  });

  it("takes milliseconds down to a tenth, then microseconds", () => {
    expect(scaleFor("s", 5e-3).label).toBe("ms");
    expect(scaleFor("s", 1e-4).label).toBe("ms");
    expect(scaleFor("s", 9e-5).label).toBe("µs");
    expect(scaleFor("s", 2).label).toBe("s");
  });

  it("gives three figures by the largest", () => {
    expect([0.234, 13.2, 208, 4.77, 0].map(threeFigureDecimals)).toEqual([3, 1, 0, 2, 0]);
  });

  it("shortens where there is little room", () => {
    expect([68_504, 10_314_848, 216, 9_999].map(shortCount)).toEqual(["68.5 k", "10.3 M", "216", "9,999"]);
    expect([267.6 * kib, 900, 3 * 2 ** 20].map(shortBytes)).toEqual(["268 KiB", "900 B", "3.00 MiB"]);
  });

  it("marks synthetic figures and gives them fewer digits", () => {
    expect(formatLoss(0.0621, false)).toBe("0.0621");
    expect(formatLoss(0.0621, true)).toBe("~0.062");
    expect(formatLoss(0.00001, false)).toBe("<0.0001");
    expect(formatShare(0.2312, true)).toBe("~23 %");
    expect(formatShare(0.2312, false)).toBe("23.1 %");
    expect(plainTwoFigures(0.000184)).toBe("0.00018");
  });

  it("tells time in steps that are worth telling", () => {
    expect([0.2, 7.4, 12, 43, 58, 170].map(formatTimeLeft)).toEqual([
      "about 1 s left",
      "about 7 s left",
      "about 10 s left",
      "about 45 s left",
      "about 1 min left",
      "about 3 min left",
    ]);
    expect([5, 65, 7200, 200_000].map(formatAgo)).toEqual(["just now", "1 minute ago", "2 hours ago", "2 days ago"]);
    expect([0.3, 48, 125].map(formatDuration)).toEqual(["less than 1 s", "48 s", "2 min 5 s"]);
  });
});

describe("gauge", () => {
  const budget = { name: "weightMemory", unit: "B", use: 31.2 * kib, limit: 32 * kib, profileLimit: 32 * kib } as const;

  it("has use, limit and margin that add up as shown", () => {
    const g = gaugeFigures(budget, budget.limit);
    expect([g.use, g.limit, g.margin, g.unit.label]).toEqual(["31.2", "32", "0.8 left", "KiB"]);
    expect(g.limitPercent).toBe(80);
    expect(g.usePercent).toBeCloseTo(78);
  });

  it("keeps its scale while another limit is tried", () => {
    const g = gaugeFigures({ ...budget, limit: 16 * kib }, 16 * kib);
    expect(g.limitPercent).toBe(40);
    expect(g.over).toBe(true);
    expect(g.usePercent + g.overPercent).toBeCloseTo(78);
  });

  it("keeps a limit far beyond the profile's on the bar", () => {
    expect(gaugeFigures(budget, 300 * kib).limitPercent).toBeCloseTo(97);
  });

  it("shows an overrun that rounding would hide", () => {
    const g = gaugeFigures({ ...budget, use: 32 * kib + 5 }, 32 * kib);
    expect([g.use, g.margin]).toEqual(["32.005", "0.005 over"]);
  });

  it("has three figures for what is not bytes", () => {
    const g = gaugeFigures({ name: "energy", unit: "J", use: 206.4e-6, limit: 250e-6 }, 250e-6);
    expect([g.use, g.limit, g.margin]).toEqual(["206", "250", "44 left"]);
  });

  it("knows no use where the profile has no figure", () => {
    const g = gaugeFigures({ name: "latency", unit: "s", limit: 5e-3 }, 5e-3);
    expect([g.use, g.margin, g.limit, g.over]).toEqual([undefined, undefined, "5", false]);
  });

  it("snaps a dragged limit to three figures of the bar, in whole bytes", () => {
    const g = gaugeFigures(budget, budget.limit);
    expect(limitAtFraction(g, 0.7)).toBe(28 * kib);
    expect(limitAtFraction(g, 0.5003) / kib).toBeCloseTo(20, 5);
    expect(limitAtFraction(g, -1)).toBeGreaterThan(0);
    expect(Number.isInteger(limitAtFraction(g, 0.333))).toBe(true);
  });

  it("moves by percent", () => {
    expect(limitBySteps(5e-3, { label: "ms", size: 1e-3 }, -1)).toBe(0.00495);
    expect(limitBySteps(32 * kib, { label: "KiB", size: kib }, 10)).toBe(36045);
  });

  it.each([
    ["28", 28 * kib],
    [" 0.5 MiB ", 512 * kib],
    ["1,024 B", 1024],
    ["4.2 ms", 0.0042],
    ["", null],
    ["none", null],
    ["0", undefined],
    ["-3", undefined],
    ["3 apples", undefined],
    ["1e9", undefined],
  ])("reads the limit '%s'", (text, limit) => {
    expect(parseLimit(text, { label: "KiB", size: kib })).toBe(limit);
  });

  it.each([
    ["1", 0.01],
    ["−1.0 points", 0.01],
    ["-0.5 %", 0.005],
    ["", null],
    ["101", undefined],
    ["none", null],
    ["much", undefined],
  ])("reads the target '%s'", (text, drop) => {
    expect(parseTarget(text)).toBe(drop);
  });

  it("writes a target as it is read", () => {
    expect(targetText(0.01)).toBe("−1.0 points");
    expect(targetText(0.0025)).toBe("−0.25 points");
    expect(parseTarget(targetText(0.0025))).toBe(0.0025);
    expect(targetText(undefined)).toBe("");
  });
});

describe("rows", () => {
  it("shares add up to one", () => {
    expect(all.reduce((sum, i) => sum + (shareOf(f, i) ?? 0), 0)).toBeCloseTo(1);
    expect(shareOf(f, f.indexOf.get("se.fc") ?? -1)).toBeUndefined();
  });

  it("goes back to the network's order with the third click", () => {
    const first = nextSort(networkOrder, "bytes");
    const second = nextSort(first, "bytes");
    expect([first, second, nextSort(second, "bytes")]).toEqual([
      { column: "bytes", descending: true },
      { column: "bytes", descending: false },
      networkOrder,
    ]);
    expect(nextSort(first, "name")).toEqual({ column: "name", descending: false });
    expect(nextSort(networkOrder, "index")).toEqual({ column: "index", descending: true });
  });

  it("keeps the network's order among equal rows", () => {
    const order = orderOf(f, { column: "bytes", descending: true }, "");
    const equal = order.filter((i) => f.rows[i]?.bytes === f.rows[16 - 1]?.bytes);
    expect(equal).toEqual([...equal].sort((a, b) => a - b));
  });

  it("lets everything through while a term of the filter is not complete", () => {
    for (const text of ["bits:<", "share:>", "bits:"]) {
      expect(orderOf(f, networkOrder, text)).toHaveLength(23);
    }
    expect(parseFilter("  ")).toBeUndefined();
  });

  it("sums what is shown, and says of how many", () => {
    const totals = totalsOf(f, all);
    expect(totals.params).toBe(68_504);
    expect(totalText(f, totals, "macs", false, false)).toBe("10,315");
    expect(totalText(f, totals, "weightBits", false, false)).toBe("3.1 average");
    expect(totalText(f, totalsOf(f, [0, 1]), "name", true, false)).toBe("Total of 2");
    expect(totalText(f, totals, "share", false, false)).toBe("100 %");
  });

  it("writes CSV that a spreadsheet takes as data", () => {
    const evil = figuresOf(
      next(exampleSnapshot(), {
        layers: [{ ...f.rows[0], name: '=HYPERLINK("x")', opType: 'a"b,c' } as (typeof f.rows)[number]],
      }),
    );
    const line = csvOf(evil, [0]).split("\r\n")[1] ?? "";
    expect(line).toContain('"\'=HYPERLINK(""x"")"');
    expect(line).toContain('"a""b,c"');
  });

  it("extends a selection from its anchor, in the order shown", () => {
    const order = ["a", "b", "c", "d"];
    const one = select({ selection: [], activeRow: undefined, anchor: undefined }, order, "c", "one");
    const up = select(one, order, "a", "extend");
    expect(up.selection).toEqual(["a", "b", "c"]);
    expect(select(up, order, "d", "extend").selection).toEqual(["c", "d"]);
    expect(select(up, order, "b", "toggle").selection).toEqual(["a", "c"]);
  });
});

describe("names", () => {
  it("are cut in the middle, the end longer than the start", () => {
    const fits = (text: string) => text.length <= 12;
    expect(cutMiddle("layer3.block.downsample.conv2", fits)).toBe("layer….conv2");
    expect(cutMiddle("short", fits)).toBe("short");
  });

  it("lose the operator at their end before anything that tells them apart", () => {
    const fits = (length: number) => (text: string) => text.length <= length;
    expect(cutMiddle("/l/l.4/m.0/Conv", fits(15))).toBe("/l/l.4/m.0/Conv");
    expect(cutMiddle("/l/l.4/m.0/Conv", fits(12))).toBe("/l/l.4/m.0/…");
    expect(cutMiddle("/l/l.4/m.0/Conv", fits(9))).toBe("/l/l…/m.0");
  });

  it("group layers by the first part that tells them apart", () => {
    const names = (groups: ReturnType<typeof groupsOf>) => groups.map((g) => `${g.name} ${g.from}-${g.to}`);
    expect(names(groupsOf(f.rows.map((r) => r.name)))).toEqual(["layer1 1-6", "layer2 7-13", "layer3 14-20"]);
    expect(names(groupsOf(["/net/a/c1", "/net/a/c2", "/net/b/c1", "/net/b/c2"]))).toEqual(["a 0-1", "b 2-3"]);
    expect(groupsOf(["Conv_1", "Conv_2", "Gemm_3"])).toEqual([]);
    const exported = [
      "/l/l.0/Conv",
      "/l/l.3/m.0/Conv",
      "/l/l.3/m.3/Conv",
      "/l/l.4/m.0/Conv",
      "/l/l.4/m.3/Conv",
      "/Gemm",
    ];
    expect(names(groupsOf(exported))).toEqual(["l.3 1-2", "l.4 3-4"]);
  });
});

describe("figures", () => {
  it("are hotter on a scale that all layers share", () => {
    expect([0.62, 0.16, 0.041, 0.0027, 0.00018, 0].map(heatPercent)).toEqual([94, 77, 61, 34, 13, 0]);
  });

  it("have the interval of a paired difference", () => {
    const changed = { rightToWrong: 39, wrongToRight: 31, wrongBoth: 34, samples: 2000 };
    expect(pairedInterval(changed)).toBeCloseTo(0.0082, 4);
    expect(pairedInterval({ ...changed, samples: 0 })).toBeUndefined();
  });
});

describe("page", () => {
  it("folds at the widths of the design", () => {
    expect([399, 560, 759, 760, 1079, 1080, 1599, 1600].map(foldOf)).toEqual([
      "narrow",
      "small",
      "small",
      "medium",
      "medium",
      "wide",
      "wide",
      "broad",
    ]);
  });

  it("restores what it saved, and nothing else", () => {
    const view = {
      ...initialView,
      selection: ["a"],
      filter: "conv",
      scrollTop: 44,
      tab: "pareto",
      levelBits: 4,
    } as const;
    expect(restoreView(JSON.parse(JSON.stringify(saveView(view))))).toEqual({ ...view });
    expect(restoreView({ version: 1, view: { tab: "x", columns: { bytes: "no", evil: true }, sort: null } })).toEqual(
      initialView,
    );
    expect(restoreView("x")).toBe(initialView);
  });
});

describe("the notice of a job that was stopped", () => {
  it.each([
    ["Calibrating", "Stopped while calibrating, at 64 of 512."],
    ["Activation ranges", "Stopped at activation ranges, 64 of 512."],
  ])("names what was being done: %s", (stage, text) => {
    expect(stoppedText({ stage, done: 64, total: 512 })).toBe(text);
  });
});
