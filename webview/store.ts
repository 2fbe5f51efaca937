import type { State, View } from "./state.ts";

/**
 * The page's only mutable state. Changes are drawn together in the next frame, so that any number of messages or pointer moves
 * within one frame cost one drawing.
 */
export class Store {
  #state: State;
  #scheduled = false;
  readonly #draw: ((state: State) => void)[] = [];

  constructor(initial: State) {
    this.#state = initial;
  }

  get state(): State {
    return this.#state;
  }

  set(patch: Partial<State>): void {
    this.#state = { ...this.#state, ...patch };
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.flush());
  }

  setView(patch: Partial<View>): void {
    this.set({ view: { ...this.#state.view, ...patch } });
  }

  /** Draws with each change from now on. */
  subscribe(draw: (state: State) => void): void {
    this.#draw.push(draw);
  }

  /** Draws now: the first snapshot shall not wait for a frame, and the keyboard needs the row that it moves to. */
  flush(): void {
    this.#scheduled = false;
    for (const draw of this.#draw) draw(this.#state);
  }
}
