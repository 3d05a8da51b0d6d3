/** Whether another tab of this browser has the same draft open. */
export class Tabs {
  isAlone = true;

  /** Ask the others; their answer comes while the page loads. */
  constructor(draft: string) {
    // Where tabs cannot speak to each other, each takes itself for the only one.
    if (typeof BroadcastChannel !== "function") return;
    const channel = new BroadcastChannel(draft);
    channel.addEventListener("message", ({ data }) => {
      if (data === "hello") channel.postMessage("here");
      else if (data === "here") this.isAlone = false;
    });
    channel.postMessage("hello");
  }
}
