import type { FromPage, ToPage } from "../src/protocol/editor.ts";
import { isToPage } from "../src/protocol/editorGuards.ts";

/** What VS Code gives to a page, once. */
interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** A page's only way out: typed messages to the extension, and a state that outlives the page. */
export interface Host<Out = FromPage> {
  post(message: Out): void;
  /** What `save` was given before, unchecked: it may be from another version of the page. */
  restore(): unknown;
  save(state: object): void;
}

/** Connects the model editor's page to the extension. */
export function connect(receive: (message: ToPage) => void): Host {
  return connectPage<ToPage, FromPage>(isToPage, receive);
}

/**
 * Connects a page to the extension.
 * @param receive called with each message that is one of the page's; others (tools in the same window send some) are ignored
 */
export function connectPage<In, Out>(
  isOurs: (message: unknown) => message is In,
  receive: (message: In) => void,
): Host<Out> {
  const api = acquireVsCodeApi();
  window.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (isOurs(event.data)) receive(event.data);
  });
  return {
    post: (message) => api.postMessage(message),
    restore: () => api.getState(),
    save: (state) => api.setState(state),
  };
}
