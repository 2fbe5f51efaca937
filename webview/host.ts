import type { FromPage, ToPage } from "../src/protocol/editor.ts";
import { isToPage } from "../src/protocol/editorGuards.ts";

/** What VS Code gives to a page, once. */
interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** The page's only way out: typed messages to the extension, and a state that outlives the page. */
export interface Host {
  post(message: FromPage): void;
  /** What `save` was given before, unchecked: it may be from another version of the page. */
  restore(): unknown;
  save(state: object): void;
}

/**
 * Connects to the extension.
 * @param receive called with each message that is one of ours; others (tools in the same window send some) are ignored
 */
export function connect(receive: (message: ToPage) => void): Host {
  const api = acquireVsCodeApi();
  window.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (isToPage(event.data)) receive(event.data);
  });
  return {
    post: (message) => api.postMessage(message),
    restore: () => api.getState(),
    save: (state) => api.setState(state),
  };
}
