/**
 * Draw on a canvas of the page whose picture rests in between. Without a graphics card a browser copies every canvas
 * that has a pen of its own with each frame in which anything moves, drawn on or not; one that shows a bitmap is copied
 * when it gets another.
 *
 * `keeps`: whether what was drawn before stays, where it is not drawn over; `isOpaque`: whether every pixel is drawn
 * on, so that nothing beneath needs to be mixed in. All drawings on a canvas come through here.
 */
export function drawStill(canvas: HTMLCanvasElement, keeps: boolean, draw: (pen: CanvasRenderingContext2D) => void, isOpaque = false): void {
  const alpha = !isOpaque;
  const shown = typeof OffscreenCanvas === "function" ? canvas.getContext("bitmaprenderer", { alpha }) : null;
  // The pens draw alike; that of a page can but outline what is focused besides.
  const pen = (shown ? penOfSize(canvas.width, canvas.height, alpha) : canvas.getContext("2d", { alpha })) as CanvasRenderingContext2D | null;
  if (!pen) return;
  // A sheet whose picture was handed over is empty.
  if (!keeps && !shown) pen.clearRect(0, 0, canvas.width, canvas.height);
  else if (keeps && shown) pen.drawImage(canvas, 0, 0);
  pen.save();
  try {
    draw(pen);
  } finally {
    pen.restore();
    // Also where a drawing broke off: the sheet must not keep it for the next.
    if (shown) shown.transferFromImageBitmap((pen.canvas as unknown as OffscreenCanvas).transferToImageBitmap());
  }
}

/** Pens of sheets that are drawn on again and again, by their size: a new one for each drawing costs as much as the drawing. */
const pens = new Map<string, OffscreenCanvasRenderingContext2D>();
const MOST_PENS = 8;

function penOfSize(width: number, height: number, alpha: boolean): OffscreenCanvasRenderingContext2D | null {
  const key = `${width}x${height} ${alpha}`;
  const kept = pens.get(key);
  if (kept) return kept;
  const pen = new OffscreenCanvas(width, height).getContext("2d", { alpha });
  if (pen) {
    // A window that was made larger or smaller leaves sizes behind.
    if (pens.size >= MOST_PENS) pens.delete(pens.keys().next().value as string);
    pens.set(key, pen);
  }
  return pen;
}
