import "../styles/devices.css";
import type { FromDevicesPage, ToDevicesPage } from "../../src/protocol/devices.ts";
import { isToDevicesPage } from "../../src/protocol/devicesGuards.ts";
import { watchTheme } from "../charts/tokens.ts";
import { el } from "../dom.ts";
import { connectPage } from "../host.ts";
import { Announcer } from "../ui/announce.ts";
import { watchFold } from "../watchFold.ts";
import { rowsOf } from "./figures.ts";
import { createHeader } from "./header.ts";
import { createLegend } from "./legend.ts";
import { createNotices } from "./notices.ts";
import { type Context, type Part, restored, type State, Store, saved } from "./state.ts";
import { createStatus } from "./status.ts";
import { DevicesTable } from "./table.ts";
import { addKeys, addPointer } from "./tableInput.ts";

/** The page of a comparison of devices: wiring only. */
function start(): void {
  const host = connectPage<ToDevicesPage, FromDevicesPage>(isToDevicesPage, ({ snapshot }) => {
    const { state } = store;
    // An older one that comes late is of no use.
    if (state.snapshot && snapshot.sequence < state.snapshot.sequence) return;
    announce(state, snapshot);
    const first = state.snapshot === undefined;
    store.set({ snapshot });
    if (first) store.flush();
  });
  const draw = (state: State): void => {
    for (const part of parts) part.update(state);
    host.save(saved(state));
  };
  const store = new Store(
    {
      snapshot: undefined,
      view: restored(host.restore()),
      inHeader: false,
      width: document.body.clientWidth,
      theme: 0,
    },
    draw,
  );
  const context: Context = { store, post: (message) => host.post(message), announcer: new Announcer() };
  const announce = (state: State, snapshot: NonNullable<State["snapshot"]>): void => {
    const before = new Map(state.snapshot?.rows.map((row) => [`${row.model}\n${row.device}`, row.state]));
    const done = rowsOf(snapshot).filter(({ key, row }) => row.state === "run" && (before.get(key) ?? "run") !== "run");
    for (const { device, row } of done) context.announcer.say(`${device.name}: ${row.figures?.verdict.headline ?? ""}`);
  };
  const table = new DevicesTable(context);
  addKeys(context, table);
  addPointer(context, table);
  const [notices, header, status, legend] = [
    createNotices(context),
    createHeader(context),
    createStatus(context),
    createLegend(),
  ];
  const parts: readonly Part[] = [notices, header, status, table, legend];
  const page = el(
    "main",
    { class: "page d-page" },
    notices.element,
    header.element,
    status.element,
    el("div", { class: "d-scroll" }, table.element, legend.element),
    context.announcer.element,
  );
  document.body.append(page);
  watchFold(page, () => undefined);
  new ResizeObserver(() => store.set({ width: page.clientWidth })).observe(page);
  watchTheme(() => store.set({ theme: store.state.theme + 1 }));
  host.post({ type: "ready" });
}

start();
