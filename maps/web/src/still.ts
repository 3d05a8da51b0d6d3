/**
 * Draw on a canvas of the page whose picture rests in between. Without a graphics card a browser copies every canvas
 * that has a pen of its own with each frame in which anything moves, drawn on or not; one that shows a bitmap is copied
 * when it gets another.
 *
 * `keeps`: whether what was drawn before stays, where it is not drawn over. All drawings on a canvas come through here.
 */
export function drawStill(canvas: HTMLCanvasElement, keeps: boolean, draw: (pen: CanvasRenderingContext2D) => void): void {
  const shown = typeof OffscreenCanvas === "function" ? canvas.getContext("bitmaprenderer") : null;
  const sheet = shown && new OffscreenCanvas(canvas.width, canvas.height);
  // The pens draw alike; that of a page can but outline what is focused besides.
  const pen = (sheet ?? canvas).getContext("2d") as CanvasRenderingContext2D | null;
  if (!pen) return;
  if (sheet && keeps) pen.drawImage(canvas, 0, 0);
  draw(pen);
  if (shown && sheet) shown.transferFromImageBitmap(sheet.transferToImageBitmap());
}
