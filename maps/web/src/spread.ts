/** Work spread over frames, so that none of them takes long. All of it shares what a frame may give. */

/** What may be taken of a frame while the map is moved; a step that is begun is finished. */
const FRAME_MS = 4;

/** Works under way, in the order in which they were begun. */
const works = new Set<Iterator<void>>();
let frame = 0;

/** Do a work step by step from the next frame on, after what was begun before it; return what breaks it off. */
export function spread(work: Iterator<void>): () => void {
  works.add(work);
  frame ||= requestAnimationFrame(goOn);
  return () => works.delete(work);
}

function goOn(): void {
  const end = performance.now() + FRAME_MS;
  try {
    for (const work of works) {
      while (works.has(work) && performance.now() < end) step(work);
      if (performance.now() >= end) break;
    }
  } finally {
    frame = works.size ? requestAnimationFrame(goOn) : 0;
  }
}

function step(work: Iterator<void>): void {
  let isDone: boolean | undefined = true; // and so it is where it fails: the others go on without it
  try {
    isDone = work.next().done;
  } finally {
    if (isDone) works.delete(work);
  }
}

/** Do a work that nobody waits for, a step each time the browser has nothing else to do. */
export function whileIdle(work: Iterator<void>): void {
  window.requestIdleCallback(() => {
    if (!work.next().done) whileIdle(work);
  });
}
