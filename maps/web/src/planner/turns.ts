/** Work that may wait: one piece a frame, each once however often it was asked for meanwhile. */
export class Turns {
  private readonly waiting = new Set<() => void>();
  private ending: (() => void)[] = [];

  /** Take turns; what waits already keeps its place. */
  ask(...pieces: (() => void)[]): void {
    const isIdle = !this.waiting.size;
    for (const piece of pieces) this.waiting.add(piece);
    if (isIdle && this.waiting.size) this.await();
  }

  /** Resolves when nothing waits. */
  rested(): Promise<void> {
    return new Promise((resolve) => {
      if (this.waiting.size) this.ending.push(resolve);
      else resolve();
    });
  }

  private await(): void {
    requestAnimationFrame(() => {
      const [piece] = this.waiting;
      try {
        piece?.();
      } finally {
        if (piece) this.waiting.delete(piece);
        if (this.waiting.size) this.await();
        else for (const resolve of this.ending.splice(0)) resolve();
      }
    });
  }
}
