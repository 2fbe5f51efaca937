import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { pagesOf } from "../support/webview/pageHarness.ts";
import { buildPage } from "../support/webview/webviewPage.ts";
import { chartsSuite } from "./suites/charts.ts";
import { comparisonSuite } from "./suites/comparison.ts";
import { editsSuite } from "./suites/edits.ts";
import { gaugesSuite } from "./suites/gauges.ts";
import { keyboardSuite } from "./suites/keyboard.ts";
import { layoutSuite } from "./suites/layout.ts";
import { savedStateSuite } from "./suites/savedState.ts";
import { speedSuite } from "./suites/speed.ts";
import { statesSuite } from "./suites/states.ts";
import { tableSuite } from "./suites/table.ts";

// One browser for all of the page's tests: starting one costs more than most of them.
let browser: Browser;

beforeAll(async () => {
  [browser] = await Promise.all([launchBrowser(), buildPage()]);
});

afterAll(() => browser.close());

const withPage = pagesOf(() => browser);

tableSuite(withPage);
keyboardSuite(withPage);
editsSuite(withPage);
gaugesSuite(withPage);
statesSuite(withPage);
layoutSuite(withPage);
chartsSuite(withPage);
comparisonSuite(withPage);
savedStateSuite(withPage);
speedSuite(withPage);
