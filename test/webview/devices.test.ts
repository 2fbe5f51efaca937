import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { DevicesPage, type OpenDevices } from "../support/webview/devicesHarness.ts";
import { exampleDevices, exampleModel, waitingDevices, withRow } from "../support/webview/devicesSnapshots.ts";
import { buildPage } from "../support/webview/webviewPage.ts";

let browser: Browser;
beforeAll(async () => {
  [browser] = await Promise.all([launchBrowser(), buildPage("devices")]);
});
afterAll(() => browser.close());

const withPage = (options: OpenDevices, test: (page: DevicesPage) => Promise<void>) =>
  DevicesPage.with(browser, options, test);

const names = ["STM32N6", "Hailo-8", "GAP9, NE16", "MAX78000", "Shift-add 8×n, 28 nm", "Cortex-M7, CMSIS-NN"];
const uriOf = (id: string) => `file:///project/${id}.hwprofile.json`;

const shownNames = async (page: DevicesPage) =>
  (await page.find(".d-row .d-name").allInnerTexts()).map((text) => text.trim());

const focused = (page: DevicesPage): Promise<unknown> =>
  page.page.evaluate(`[
    document.activeElement?.closest(".d-row")?.querySelector(".d-name")?.textContent,
    document.activeElement?.closest("[data-column]")?.dataset.column,
  ]`);

const press = async (page: DevicesPage, ...keys: readonly string[]) => {
  for (const key of keys) await page.page.keyboard.press(key);
};

describe("devices side by side", () => {
  const snapshot = exampleDevices();

  it("show every device with its figures in one unit a column", () =>
    withPage({ snapshot }, async (page) => {
      expect(await shownNames(page)).toEqual(names);
      expect(await page.column("average")).toEqual(["8.0", "6.9", "5.1", "3.1", "3.1", "4.0"]);
      expect(await page.column("weightMemory")).toEqual([
        "72.0 of 512",
        "63.0 of 64",
        "47.8 of 48",
        "31.2 of 32",
        "31.4 of 32",
        "39.1 of 32",
      ]);
      expect(await page.column("latency")).toEqual([
        "0.40 of 1",
        "no figure",
        "1.36 of 2",
        "3.65 of 5",
        "2.28 of 4",
        "9.28 of 12",
      ]);
      expect(await page.column("energy")).toContain("559 of 800");
      expect(await page.column("loss")).toEqual([
        "0.0 simulated",
        "0.0 expected",
        "−0.1 simulated",
        "−0.4 simulated",
        "−0.4 simulated",
        "−0.5 expected",
      ]);
      const heads = await page.find(".d-head-cell small").allInnerTexts();
      expect(heads.map((text) => text.trim())).toEqual([
        "weight bits",
        "",
        "23 layers",
        "bits",
        "KiB",
        "KiB",
        "ms",
        "µJ",
        "points",
      ]);
    }));

  it("say of each whether it fits, and what is short", () =>
    withPage({ snapshot }, async (page) => {
      expect(await page.column("verdict")).toEqual([
        "Fits all budgets",
        "Fits 1.0 KiB of memory left",
        "Fits 0.2 KiB of memory left",
        "Fits 0.8 KiB of memory left",
        "Fits 0.6 KiB of memory left",
        "Does not fit weight memory, 7.1 KiB over",
      ]);
      expect(
        await page
          .row("Cortex-M7")
          .locator(".d-weightMemory .bar-over")
          .evaluate((e) => e.clientWidth > 0),
      ).toBe(true);
      expect(await page.row("MAX78000").locator(".d-device").innerText()).toContain("2, 4, 8 bits, in use");
      expect(await page.row("GAP9").locator(".d-device").innerText()).toContain("2 to 8 bits");
    }));

  it("tell the bits along the network to those who don't see them", () =>
    withPage({ snapshot }, async (page) => {
      const label = await page.row("MAX78000").locator("canvas").getAttribute("aria-label");
      expect(label).toMatch(/^Bits 8, 8, 4, 8, .*float, 8$/);
      const many = exampleDevices();
      const rows = many.rows.map((row) => ({
        ...row,
        ...(row.figures && { figures: { ...row.figures, bits: [...Array(900).fill(4), ...Array(100).fill(null)] } }),
      }));
      await page.show({ ...many, rows });
      expect(await page.row("MAX78000").locator("canvas").getAttribute("aria-label")).toBe(
        "900 layers at 4 bits, 100 layers in float",
      );
    }));

  it("draw bits by height, and in high contrast by patterns instead of shades", async () => {
    const ink = (page: DevicesPage, bar: number): Promise<unknown> =>
      page.page.evaluate(`(() => {
        const canvas = [...document.querySelectorAll(".d-row")].find((r) => r.textContent.includes("MAX78000")).querySelector("canvas");
        const { data, width } = canvas.getContext("2d").getImageData(${bar} * 6 + 1, 0, 3, 25);
        let rows = 0;
        for (let y = 0; y < 25; y++) for (let x = 0; x < 3; x++) if (data[(y * width + x) * 4 + 3] > 0) { rows++; break; }
        const colours = new Set();
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) colours.add([...data.slice(i, i + 3)].join());
        return { rows, colours: colours.size };
      })()`);
    await withPage({ snapshot, theme: "dark" }, async (page) => {
      const [eight, four] = [await ink(page, 0), await ink(page, 2)] as { rows: number }[];
      expect(eight?.rows).toBe(24);
      expect(four?.rows).toBe(12);
    });
    await withPage({ snapshot, theme: "hc" }, async (page) => {
      const four = (await ink(page, 2)) as { rows: number };
      expect(four.rows).toBeLessThanOrEqual(13);
    });
  });

  it("name the model, and lead to it", () =>
    withPage({ snapshot }, async (page) => {
      expect(await page.find(".facts").innerText()).toMatch(
        /resnet20-w8\.onnx.*6 profiles.*5 fit.*float 88\.9 % top-1 on 2,000 samples/s,
      );
      await page.page.getByRole("button", { name: "resnet20-w8.onnx" }).click();
      await page.message({ type: "openModel", model: exampleModel.uri });
    }));

  it("of several models on one device are called after the models", () => {
    const [row] = snapshot.rows;
    const [one] = snapshot.devices;
    const second = { ...exampleModel, uri: "file:///project/b.onnx", name: "b.onnx" };
    const models = exampleDevices({
      models: [exampleModel, second],
      devices: one ? [one] : [],
      rows: row ? [row, { ...row, model: second.uri }] : [],
      runnable: 0,
    });
    return withPage({ snapshot: models }, async (page) => {
      expect(await page.find("h1").innerText()).toBe("Compare models");
      expect(await shownNames(page)).toEqual(["resnet20-w8.onnx", "b.onnx"]);
      expect(await page.head("Model").count()).toBe(1);
      await page.page.getByRole("button", { name: "STM32N6", exact: true }).click();
      await page.message({ type: "openProfile", device: uriOf("stm32n6") });
    });
  });
});

describe("sorting", () => {
  const snapshot = exampleDevices();

  it("by a click: one way, the other, and back to how the rows were given", () =>
    withPage({ snapshot }, async (page) => {
      const loss = page.head("Loss");
      await loss.click();
      await expect.poll(() => loss.getAttribute("aria-sort")).toBe("ascending");
      expect((await shownNames(page))[0]).toBe("STM32N6");
      await loss.click();
      await expect.poll(() => loss.getAttribute("aria-sort")).toBe("descending");
      expect((await shownNames(page))[0]).toBe("Cortex-M7, CMSIS-NN");
      await loss.click();
      await expect.poll(() => loss.getAttribute("aria-sort")).toBe("none");
      expect(await shownNames(page)).toEqual(names);
    }));

  it("puts the devices without a figure last, whichever way", () =>
    withPage({ snapshot }, async (page) => {
      const energy = page.head("Energy");
      for (const order of ["descending", "ascending"]) {
        await energy.click();
        await expect.poll(() => energy.getAttribute("aria-sort")).toBe(order);
        expect((await shownNames(page)).slice(-2).sort()).toEqual(["Hailo-8", "STM32N6"]);
      }
    }));

  it("by keyboard, and what is sorted comes back with the page", () =>
    withPage({ snapshot }, async (page) => {
      await page.row("STM32N6").locator(".d-average").click();
      await press(page, "ArrowUp", "Enter");
      const average = page.head("Average");
      await expect.poll(() => average.getAttribute("aria-sort")).toBe("descending");
      expect(await page.page.evaluate("document.activeElement.dataset.column")).toBe("average");
      await page.reload();
      await page.show(exampleDevices());
      expect(await average.getAttribute("aria-sort")).toBe("descending");
    }));

  it("is not offered for bits along the network, which have no order", () =>
    withPage({ snapshot }, async (page) => {
      expect(await page.head("Bits along").getAttribute("aria-sort")).toBeNull();
      await page.head("Bits along").click();
      expect(await shownNames(page)).toEqual(names);
    }));
});

describe("the keyboard", () => {
  const snapshot = exampleDevices();

  it("reaches the table by one stop of Tab, and moves by rows and cells", () =>
    withPage({ snapshot }, async (page) => {
      const stops = '.d-grid [tabindex="0"]';
      expect(await page.find(stops).count()).toBe(1);
      await page.row("Hailo-8").locator(".d-verdict").click();
      await press(page, "ArrowDown", "ArrowRight");
      expect(await focused(page)).toEqual(["GAP9, NE16", "bits"]);
      expect(await page.find(stops).count()).toBe(1);
      await press(page, "End", "ArrowLeft", "ArrowLeft", "ArrowLeft");
      expect(await focused(page)).toEqual(["Cortex-M7, CMSIS-NN", "device"]);
      await press(page, "Home");
      expect(await focused(page)).toEqual(["STM32N6", "device"]);
      expect(await page.row("STM32N6").getAttribute("aria-selected")).toBe("true");
      expect(await page.find('[aria-selected="true"]').count()).toBe(1);
    }));

  it("opens a row's profile with Enter, copies it with Ctrl+C, and takes it out with Delete", () =>
    withPage({ snapshot }, async (page) => {
      await page.row("MAX78000").locator(".d-loss").click();
      await press(page, "Enter", "Control+c", "Delete");
      const device = uriOf("max78000");
      await page.message({ type: "openProfile", device });
      await page.message({ type: "copyRows", rows: [{ model: exampleModel.uri, device }] });
      await page.message({ type: "removeDevice", device });
    }));

  it("opens a row's menu, in which the device is made the model's", () =>
    withPage({ snapshot }, async (page) => {
      await page.row("GAP9").locator(".d-device").click();
      await press(page, "Shift+F10");
      const menu = page.page.getByRole("menu", { name: "Actions for GAP9, NE16" });
      expect(await menu.getByRole("menuitem").allInnerTexts()).toEqual([
        "Open Profile\nEnter",
        "Use for resnet20-w8.onnx",
        "Open resnet20-w8.onnx",
        "Copy Row\nCtrl+C",
        "Remove GAP9, NE16\nDelete",
      ]);
      await press(page, "ArrowDown", "Enter");
      await page.message({ type: "useDevice", model: exampleModel.uri, device: uriOf("gap9") });
      expect(await focused(page)).toEqual(["GAP9, NE16", "device"]);
    }));

  it("finds the same menu under the three dots and the right button; what is in use can't be used again", () =>
    withPage({ snapshot }, async (page) => {
      await page.row("MAX78000").hover();
      await page.row("MAX78000").getByRole("button", { name: "Actions for MAX78000" }).click();
      const menu = page.page.getByRole("menu");
      const use = menu.getByRole("menuitem", { name: "Use for resnet20-w8.onnx, It is in use" });
      expect(await use.getAttribute("aria-disabled")).toBe("true");
      await press(page, "Escape");
      await page.row("STM32N6").locator(".d-loss").click({ button: "right" });
      expect(await page.page.getByRole("menu", { name: "Actions for STM32N6" }).count()).toBe(1);
    }));

  it("keeps its place when figures come and when rows are sorted anew", () =>
    withPage({ snapshot }, async (page) => {
      await page.row("GAP9").locator(".d-loss").click();
      await page.show(withRow(exampleDevices(), "GAP9, NE16", { state: "running" }));
      expect(await focused(page)).toEqual(["GAP9, NE16", "loss"]);
      await page.head("Average").click();
      await press(page, "ArrowDown");
      expect(await page.find('[aria-selected="true"] .d-name').innerText()).toBe("STM32N6");
    }));

  it("says everything of a row in its hover, also what the width has no room for", () =>
    withPage({ snapshot, width: 420 }, async (page) => {
      await page.row("Cortex-M7").locator(".d-verdict").hover();
      const hover = page.find(".hover");
      await expect.poll(() => hover.isVisible()).toBe(true);
      const text = await hover.innerText();
      expect(text).toContain("9.28 ms of 12.0 ms");
      expect(text).toContain("Raise the budget of weight memory to 39.1 KiB");
    }));
});

describe("what is at work", () => {
  it("is told with how far it is, and can be stopped", () =>
    withPage({ snapshot: waitingDevices() }, async (page) => {
      expect(await page.find(".d-status").innerText()).toContain(
        "Measuring layer2.1.conv1 at 3 bits, 41 of 110, about 10 s left",
      );
      expect(await page.page.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("37");
      await page.page.getByRole("button", { name: "Cancel" }).click();
      await page.message({ type: "command", command: "cancel" });
    }));

  it("is told device by device once plans are run", () => {
    const example = exampleDevices();
    const work = {
      model: exampleModel.uri,
      device: uriOf("hailo-8"),
      step: { kind: "allocate", stage: "Searching", done: 3, total: 43 },
      settled: 4,
      secondsLeft: 42,
    } as const;
    const snapshot = withRow({ ...example, work, runnable: 1 }, "Hailo-8", { state: "running" });
    return withPage({ snapshot }, async (page) => {
      expect(await page.find(".d-status").innerText()).toContain(
        "Running Hailo-8: searching, 4 of 6 plans, about 40 s left",
      );
      expect(await page.row("Hailo-8").locator(".d-loss").innerText()).toContain("running");
      expect(await page.page.getByRole("button", { name: /^Run/ }).count()).toBe(0);
      // When it is done, that is said to those who don't see it.
      await page.show(withRow(exampleDevices({ runnable: 1 }), "Hailo-8", { state: "run" }));
      await expect.poll(() => page.find(".unseen").innerText()).toBe("Hailo-8: Fits, −0.4 points");
    });
  });

  it("moves nothing when figures come and when it ends", () =>
    withPage({ snapshot: waitingDevices() }, async (page) => {
      const places = () =>
        page.page.evaluate(`[".d-head", ".d-row", ".d-row:last-child", ".d-legend"].map((s) => document.querySelector(s).getBoundingClientRect().top)
          .concat([...document.querySelectorAll(".d-head-cell, .d-row:first-child .d-cell")].map((e) => e.getBoundingClientRect().left))`);
      expect(await page.find(".d-row .d-weightMemory .skeleton").first().isVisible()).toBe(true);
      const before = await places();
      await page.show(exampleDevices());
      expect(await places()).toEqual(before);
      expect(await page.find(".skeleton:visible").count()).toBe(0);
    }));

  it("is offered for the plans that are not run", () =>
    withPage({ snapshot: exampleDevices() }, async (page) => {
      expect(await page.find(".d-status").innerText()).toContain("2 of 6 plans are not run yet.");
      await page.page.getByRole("button", { name: "Run 2 Plans" }).click();
      await page.message({ type: "command", command: "run" });
    }));
});

describe("the header's commands", () => {
  it("choose profiles, export, and more", () =>
    withPage({ snapshot: exampleDevices() }, async (page) => {
      await page.page.getByRole("button", { name: "Add Profile…" }).click();
      await page.message({ type: "command", command: "chooseProfiles" });
      await page.page.getByRole("button", { name: "Export…" }).click();
      await page.message({ type: "command", command: "exportCsv" });
      await page.page.getByRole("button", { name: "More actions" }).click();
      await page.page.getByRole("menuitem", { name: "Copy All Rows" }).click();
      const message = await page.message({ type: "copyRows" });
      expect(message.type === "copyRows" && message.rows).toHaveLength(6);
    }));
});

describe("what a person has to know", () => {
  it.each([
    ["untrusted", { kind: "untrusted" }, "Restricted Mode", "Manage Workspace Trust", "manageTrust"],
    [
      "noSamples",
      { kind: "noSamples", models: ["resnet20-w8.onnx"] },
      "No calibration set",
      "Choose Calibration Set…",
      "chooseCalibration",
    ],
    ["noRuntime", { kind: "noRuntime", message: "ONNX Runtime is missing" }, "ONNX Runtime", "Show Log", "showLog"],
    ["problem", { kind: "problem", message: "It ended", code: "SQ6101" }, "SQ6101", "Show Log", "showLog"],
  ] as const)("stands at the top: %s", (_, notice, text, label, command) =>
    withPage({ snapshot: exampleDevices({ notices: [notice] }) }, async (page) => {
      expect(await page.find(".banner").innerText()).toContain(text);
      await page.find(".banner").getByRole("button", { name: label }).click();
      await page.message({ type: "command", command });
    }),
  );

  it("of a device that can't be used is said in its row, and the others are shown", () => {
    const { figures: _, ...bare } = exampleDevices().rows[1] ?? { figures: undefined };
    const example = exampleDevices();
    const problem = { message: "Line 3: weightBits is empty", code: "SQ3011" };
    const snapshot = {
      ...example,
      rows: example.rows.map((row, i) =>
        i === 1 ? { ...row, ...bare, figures: undefined, state: "failed", problem } : row,
      ),
    } as typeof example;
    return withPage({ snapshot: JSON.parse(JSON.stringify(snapshot)) }, async (page) => {
      expect((await page.column("verdict"))[1]).toBe("Not known Line 3: weightBits is empty");
      expect((await page.column("verdict"))[0]).toBe("Fits all budgets");
    });
  });
});

describe("the page", () => {
  it.each([1600, 1280, 1080, 900, 640, 420, 320])("never scrolls sideways, at %i pixels", (width) =>
    withPage({ snapshot: exampleDevices(), width }, async (page) => {
      expect(
        await page.page.evaluate(`[document.documentElement, document.querySelector(".d-scroll"), ...document.querySelectorAll(".d-row")]
          .every((e) => e.scrollWidth <= e.clientWidth + 1)`),
      ).toBe(true);
      for (const name of names) expect(await page.row(name).isVisible()).toBe(true);
      expect(await page.head("Loss").isVisible()).toBe(true);
    }),
  );

  it("has the columns that its width has room for", () =>
    withPage({ snapshot: exampleDevices() }, async (page) => {
      const shown = async (width: number) => {
        await page.page.setViewportSize({ width, height: 700 });
        await page.drawn();
        return page.page.evaluate(`[...document.querySelectorAll(".d-head-cell")].map((e) => e.dataset.column)`);
      };
      expect(await shown(1200)).toHaveLength(9);
      const [all, eight] = [await shown(1100), await shown(1020)] as string[][];
      expect(eight).toEqual(all?.filter((id) => id !== "energy"));
      expect(await shown(900)).toEqual(["device", "verdict", "bits", "average", "weightMemory", "latency", "loss"]);
      // A column in which no device has a figure goes before the others.
      const example = exampleDevices();
      const rows = example.rows.map((row) => ({
        ...row,
        ...(row.figures && {
          figures: { ...row.figures, budgets: row.figures.budgets.filter(({ name }) => name !== "latency") },
        }),
      }));
      await page.show({ ...example, rows });
      expect(await shown(1020)).toContain("energy");
      expect(await shown(1020)).not.toContain("latency");
      await page.show(exampleDevices());
      expect(await shown(640)).toEqual(["device", "verdict", "weightMemory", "latency", "loss"]);
      expect(await shown(420)).toEqual(["device", "verdict", "loss"]);
    }));

  it("drops a snapshot that is older than what it shows, and what is none", () =>
    withPage({ snapshot: exampleDevices() }, async (page) => {
      const newer = exampleDevices({ runnable: 0 });
      const older = { ...exampleDevices({ runnable: 1 }), sequence: 1 };
      await page.show(newer);
      await page.show(older);
      await page.post({ type: "devices", snapshot: { ...newer, sequence: 1e9, rows: [{ model: "<b>" }] } });
      await page.post({ type: "run", command: "rm" });
      await page.drawn();
      expect(await page.find(".d-status").innerText()).not.toContain("not run yet");
      expect(await shownNames(page)).toEqual(names);
    }));

  it("keeps what is compared, for a window that comes back", () =>
    withPage({ snapshot: exampleDevices() }, async (page) => {
      const kept = await page.page.evaluate(`JSON.parse(sessionStorage.getItem("state")).sets`);
      expect(kept).toEqual({
        models: [exampleModel.uri],
        profiles: exampleDevices().devices.map(({ id }) => id),
      });
    }));

  it("shows names as text, whatever is in them", () => {
    const example = exampleDevices();
    const [first, ...rest] = example.devices;
    const devices = first ? [{ ...first, name: "<img src=x onerror=alert(1)>" }, ...rest] : [];
    return withPage({ snapshot: { ...example, devices } }, async (page) => {
      expect((await shownNames(page))[0]).toBe("<img src=x onerror=alert(1)>");
      expect(await page.find(".d-grid img").count()).toBe(0);
    });
  });
});
