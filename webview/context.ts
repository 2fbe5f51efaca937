import type { Host } from "./host.ts";
import type { State } from "./state.ts";
import type { Store } from "./store.ts";
import type { Announcer } from "./ui/announce.ts";

/** What every part of the page is given. */
export interface Context {
  readonly store: Store;
  readonly post: Host["post"];
  readonly announcer: Announcer;
  /** Selects a layer and brings it into sight, wherever it was named. */
  readonly reveal: (layer: string | undefined) => void;
}

/** A part of the page: made once, brought up to date with each state. */
export interface Part {
  readonly element: HTMLElement;
  update(state: State): void;
}
