import "./styles/main.css";
import type { EditorSnapshot, ToPage } from "../src/protocol/editor.ts";
import { watchTheme } from "./charts/tokens.ts";
import type { Context } from "./context.ts";
import { foldOf } from "./fold.ts";
import { connect } from "./host.ts";
import { createPage } from "./page.ts";
import { restoreView, saveView } from "./savedState.ts";
import type { State } from "./state.ts";
import { Store } from "./store.ts";
import { Announcer } from "./ui/announce.ts";
import { watchFold } from "./watchFold.ts";

/** Scrolling and dragging change the view with every frame: that is kept a moment after the last change, all else at once. */
const saveRestMs = 200;

/** Histograms that are kept; each is some kilobytes. */
const mostHistograms = 64;

/** Limits are the same when they differ by less than this: the host may round what was tried. */
const sameLimit = 1e-6;

function start(): void {
  let first = true;
  const host = connect((message) => receive(message));
  const saved = host.restore();
  const store = new Store({
    snapshot: undefined,
    view: restoreView(saved),
    drag: undefined,
    histograms: new Map(),
    fold: foldOf(document.body.clientWidth),
    theme: 0,
  });
  const context: Context = {
    store,
    post: (message) => host.post(message),
    announcer: new Announcer(),
    reveal: (layer) => {
      if (layer === undefined) return;
      // What was typed a moment ago counts.
      store.flush();
      const hidden = store.state.view.filter !== "" && page.table.placeOf(layer) < 0;
      store.setView({
        selection: [layer],
        activeRow: layer,
        anchor: layer,
        screen: "layers",
        ...(hidden ? { filter: "" } : {}),
      });
      store.flush();
      page.table.reveal(layer);
    },
  };
  const page = createPage(context);
  document.body.append(page.element);
  store.subscribe((state) => page.update(state));
  watchFold(page.element, (fold) => store.set({ fold }));
  watchTheme(() => store.set({ theme: store.state.theme + 1 }));
  keepView(store, (view) => host.save(saveView(view)));
  store.flush();

  const receive = (message: ToPage): void => {
    switch (message.type) {
      case "snapshot": {
        const { snapshot } = message;
        const { state } = store;
        // An older one that comes late is of no use.
        if (state.snapshot !== undefined && snapshot.sequence < state.snapshot.sequence) return;
        store.set({ snapshot, drag: dragAfter(state, snapshot), histograms: histogramsAfter(state, snapshot) });
        if (newRun(state.snapshot, snapshot, first && saved !== undefined)) store.setView({ screen: "comparison" });
        if (!first) return;
        first = false;
        performance.mark("sigmaquant:snapshot");
        store.flush();
        performance.mark("sigmaquant:painted");
        return;
      }
      case "histogram": {
        const kept = [...store.state.histograms].slice(1 - mostHistograms);
        store.set({ histograms: new Map([...kept, [message.histogram.layer, message.histogram]]) });
        return;
      }
      case "reveal":
        context.reveal(message.layer);
    }
  };
  performance.mark("sigmaquant:ready");
  host.post({ type: "ready" });
  page.table.warm();
}

/** A limit that was let go is shown until the host's own is the same; while it is held, nothing ends it but the hand. */
function dragAfter({ drag }: State, snapshot: EditorSnapshot): State["drag"] {
  if (!drag?.done) return drag;
  const limit = snapshot.budgets.find((b) => b.name === drag.resource)?.limit;
  const arrived = limit !== undefined && Math.abs(limit - drag.limit) <= sameLimit * Math.abs(drag.limit);
  return arrived ? undefined : drag;
}

/** Weights that changed on disk have other histograms. */
function histogramsAfter({ histograms, snapshot: before }: State, snapshot: EditorSnapshot): State["histograms"] {
  if (histograms.size === 0) return histograms;
  const sigmas = new Map(before?.layers.map((row) => [row.name, row.sigma]));
  const changed = snapshot.layers.filter((row) => histograms.has(row.name) && sigmas.get(row.name) !== row.sigma);
  if (changed.length === 0) return histograms;
  return new Map([...histograms].filter(([name]) => !changed.some((row) => row.name === name)));
}

/**
 * A run has ended since the last snapshot, or the page was opened for one: its comparison is what one wants to see. A page that comes
 * back stays where it was.
 */
function newRun(before: EditorSnapshot | undefined, now: EditorSnapshot, comesBack: boolean): boolean {
  if (now.comparison === undefined || comesBack) return false;
  return JSON.stringify(before?.comparison) !== JSON.stringify(now.comparison);
}

function keepView(store: Store, save: (view: State["view"]) => void): void {
  let kept = store.state.view;
  let timer: number | undefined;
  const now = (): void => {
    window.clearTimeout(timer);
    if (kept === store.state.view) return;
    kept = store.state.view;
    save(kept);
  };
  store.subscribe(({ view }) => {
    if (view === kept) return;
    window.clearTimeout(timer);
    const glides = view.scrollTop !== kept.scrollTop || view.panelHeight !== kept.panelHeight;
    if (glides) timer = window.setTimeout(now, saveRestMs);
    else now();
  });
  window.addEventListener("pagehide", now);
  document.addEventListener("visibilitychange", now);
}

start();
