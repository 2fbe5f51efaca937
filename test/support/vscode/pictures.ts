import * as vscode from "vscode";
import { ui } from "./client.ts";
import { until } from "./until.ts";

/** The kinds of themes that every view has to look right in. */
export type Theme = "dark" | "light" | "highContrast" | "highContrastLight";

interface ThemeInfo {
  readonly kind: vscode.ColorThemeKind;
  /** As webviews are told it. */
  readonly shown: Parameters<typeof ui.themeShown>[0];
  /** Names in settings: VS Code 1.139 renamed some. */
  readonly names: readonly string[];
}

const themes: Readonly<Record<Theme, ThemeInfo>> = {
  dark: { kind: vscode.ColorThemeKind.Dark, shown: "vscode-dark", names: ["Dark Modern", "Default Dark Modern"] },
  light: { kind: vscode.ColorThemeKind.Light, shown: "vscode-light", names: ["Light Modern", "Default Light Modern"] },
  highContrast: {
    kind: vscode.ColorThemeKind.HighContrast,
    shown: "vscode-high-contrast",
    names: ["Default High Contrast"],
  },
  highContrastLight: {
    kind: vscode.ColorThemeKind.HighContrastLight,
    shown: "vscode-high-contrast-light",
    names: ["Default High Contrast Light"],
  },
};

/** A window in which an editor beside the explorer is as narrow as in a split window of a laptop. */
const narrow = { width: 720, height: 900 };
const wide = { width: 1400, height: 900 };

/** Switches the theme, for a test in the extension host, and waits until workbench and webview show it. */
export async function useTheme(theme: Theme): Promise<void> {
  const { kind, shown, names } = themes[theme];
  const installed = contributedThemes();
  const name = names.find((candidate) => installed.includes(candidate));
  if (name === undefined) throw new Error(`this VS Code has none of ${names.join(", ")}, only ${installed.join(", ")}`);
  const settings = vscode.workspace.getConfiguration("workbench");
  await settings.update("colorTheme", name, vscode.ConfigurationTarget.Global);
  await until(() => vscode.window.activeColorTheme.kind === kind);
  await ui.themeShown(shown);
}

/**
 * Takes pictures of the window as it is: in a dark, a light and a high-contrast theme, and in a narrow window. Leaves it wide and dark.
 * @returns the files
 */
export async function pictures(name: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const theme of ["light", "highContrast", "dark"] as const) {
    await useTheme(theme);
    files.push(await ui.screenshot(`${name}-${theme}`));
  }
  await ui.resize(narrow.width, narrow.height);
  files.push(await ui.screenshot(`${name}-narrow`));
  await ui.resize(wide.width, wide.height);
  return files;
}

function contributedThemes(): readonly string[] {
  return vscode.extensions.all.flatMap((extension) => {
    const { contributes } = extension.packageJSON as {
      contributes?: { themes?: readonly { id?: string; label: string }[] };
    };
    return contributes?.themes?.map(({ id, label }) => id ?? label) ?? [];
  });
}
