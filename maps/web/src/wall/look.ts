/** Dark or light, and the size of letters: kept in this browser, and set by the query string of a wall. */

const STEPS = [0.875, 1, 1.15, 1.35, 1.6, 2, 2.5, 3];
/** Of letters so large that fewer rows and columns of them fit, the map would be a slit: the page is rolled then. */
const [FEWEST_ROWS_EM, FEWEST_COLUMNS_EM] = [34, 60];
const [THEME, SCALE] = ["weige.wall.theme", "weige.wall.scale"];

export class Look {
  private step: number;
  private readonly root = document.documentElement;

  constructor(query: URLSearchParams, private readonly onChange: (isRecoloured: boolean) => void) {
    const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
    this.theme(query.get("theme") ?? kept(THEME) ?? (prefersDark ? "dark" : "light"));
    const wanted = Number(query.get("scale") ?? kept(SCALE) ?? 1);
    this.step = STEPS.reduce((best, each, i) => (Math.abs(each - wanted) < Math.abs((STEPS[best] as number) - wanted) ? i : best), 0);
    this.scaled();
    addEventListener("resize", () => this.fitted());
    on("smaller", () => this.resize(-1));
    on("larger", () => this.resize(1));
    on("theme", () => this.theme(this.root.dataset.theme === "dark" ? "light" : "dark"));
  }

  get scale(): number {
    return STEPS[this.step] ?? 1;
  }

  private resize(by: number): void {
    this.step = Math.max(0, Math.min(STEPS.length - 1, this.step + by));
    keep(SCALE, String(this.scale));
    this.scaled();
    this.onChange(false);
  }

  private scaled(): void {
    this.root.style.setProperty("--scale", String(this.scale));
    this.fitted();
  }

  private fitted(): void {
    const em = 16 * this.scale;
    this.root.classList.toggle("tight", innerHeight < FEWEST_ROWS_EM * em || innerWidth < FEWEST_COLUMNS_EM * em);
  }

  private theme(name: string): void {
    this.root.dataset.theme = name === "dark" ? "dark" : "light";
    keep(THEME, this.root.dataset.theme);
    this.onChange(true);
  }
}

function on(id: string, act: () => void): void {
  document.getElementById(id)?.addEventListener("click", act);
}

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing shows it all the same.
  }
}
