/** Shapes of the icons on a 16 x 16 grid: paths to stroke; `dots` and `fill` are filled instead. */
const shapes = {
  check: { paths: ["M3 8.5 6.5 12 13 4.5"] },
  chevronDown: { paths: ["m4 6.2 4 4 4-4"] },
  chevronRight: { paths: ["m6.2 4 4 4-4 4"] },
  chevronUp: { paths: ["m4 10 4-4 4 4"] },
  sortUp: { paths: ["m4 9.8 4-4 4 4"] },
  sortDown: { paths: ["m4 6.2 4 4 4-4"] },
  chip: {
    paths: [
      "M4.2 4.2h7.6v7.6H4.2zM6.5 4.2V1.8M9.5 4.2V1.8M6.5 14.2v-2.4M9.5 14.2v-2.4M4.2 6.5H1.8M4.2 9.5H1.8M14.2 6.5h-2.4M14.2 9.5h-2.4",
    ],
  },
  close: { paths: ["m4 4 8 8m0-8-8 8"] },
  columns: { paths: ["M2.5 3h11v10h-11zM6.2 3v10M9.9 3v10"] },
  chart: { paths: ["M2.5 2.5v11h11M5.3 11V8M8.2 11V5M11.1 11V6.5"] },
  copy: { paths: ["M5.5 5.5h7.8v7.8H5.5z", "M10.5 5.5V2.7H2.7v7.8h2.8"] },
  data: {
    paths: ["M3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2", "M3 4a5 2 0 1 0 10 0A5 2 0 1 0 3 4"],
  },
  error: { paths: ["M1.6 8a6.4 6.4 0 1 0 12.8 0A6.4 6.4 0 1 0 1.6 8", "m5.7 5.7 4.6 4.6m0-4.6-4.6 4.6"] },
  file: { paths: ["M9 1.8H3.8v12.4h8.4V5zM9 1.8V5h3.2"] },
  filter: { paths: ["M2.5 4h11M4.5 8h7M6.5 12h3"] },
  info: { paths: ["M1.6 8a6.4 6.4 0 1 0 12.8 0A6.4 6.4 0 1 0 1.6 8", "M8 7.3v4M8 4.9v.1"] },
  lock: { paths: ["M4 7.2h8v6H4zM5.6 7.2V5a2.4 2.4 0 0 1 4.8 0v2.2"] },
  minus: { paths: ["M4 8h8"] },
  more: {
    fill: [
      "M2.4 8a1.1 1.1 0 1 0 2.2 0 1.1 1.1 0 1 0-2.2 0",
      "M6.9 8a1.1 1.1 0 1 0 2.2 0A1.1 1.1 0 1 0 6.9 8",
      "M11.4 8a1.1 1.1 0 1 0 2.2 0 1.1 1.1 0 1 0-2.2 0",
    ],
  },
  ok: { paths: ["M1.6 8a6.4 6.4 0 1 0 12.8 0A6.4 6.4 0 1 0 1.6 8", "m5 8.2 2.2 2.2L11.2 6"] },
  pencil: { paths: ["m3 10.6-.6 3 3-.6 7.8-7.8-2.4-2.4zM9.4 4.2l2.4 2.4"] },
  pin: { paths: ["M5.5 2.5h5L9.8 6.6l2 2.4H4.2l2-2.4zM8 9v4.8"] },
  pinned: { fill: ["M5.5 2.5h5L9.8 6.6l2 2.4H4.2l2-2.4z"], paths: ["M5.5 2.5h5L9.8 6.6l2 2.4H4.2l2-2.4zM8 9v4.8"] },
  plus: { paths: ["M4 8h8M8 4v8"] },
  refresh: { paths: ["M13 6.5A5.3 5.3 0 0 0 3.6 5M3 9.5A5.3 5.3 0 0 0 12.4 11M3.4 2.4V5H6M12.6 13.6V11H10"] },
  shield: { paths: ["M8 1.8 13 3.6v4c0 3.2-2.2 5.4-5 6.6-2.8-1.2-5-3.4-5-6.6v-4z"] },
  warning: { paths: ["M8 2 14.6 13.6H1.4zM8 6.2v3.6M8 11.7v.1"] },
} as const satisfies Record<string, { readonly paths?: readonly string[]; readonly fill?: readonly string[] }>;

export type IconName = keyof typeof shapes;

const svg = "http://www.w3.org/2000/svg";

/**
 * An icon in the colour of the text beside it. It says nothing by itself, so assistive technology skips it unless it has a label.
 * @param className more classes, such as a status: `ok`, `err`
 */
export function icon(name: IconName, className = "", label?: string): SVGSVGElement {
  const element = document.createElementNS(svg, "svg");
  element.setAttribute("viewBox", "0 0 16 16");
  element.setAttribute("class", `icon ${className}`.trim());
  if (label === undefined) element.setAttribute("aria-hidden", "true");
  else {
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", label);
  }
  drawIcon(element, name);
  return element;
}

/** Changes what an icon shows. */
export function drawIcon(element: SVGSVGElement, name: IconName): void {
  if (element.dataset.icon === name) return;
  element.dataset.icon = name;
  const shape: { readonly paths?: readonly string[]; readonly fill?: readonly string[] } = shapes[name];
  element.replaceChildren(
    ...(shape.fill ?? []).map((d) => path(d, "filled")),
    ...(shape.paths ?? []).map((d) => path(d)),
  );
}

function path(d: string, className?: string): SVGPathElement {
  const element = document.createElementNS(svg, "path");
  element.setAttribute("d", d);
  if (className !== undefined) element.setAttribute("class", className);
  return element;
}
