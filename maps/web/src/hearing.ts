/** Events of the service, heard while a page is in sight: a browser keeps six connections to a service, for all its tabs together. */

/**
 * Tell of events of some kinds with their bodies. `again` is called once events are heard again after a time in which
 * none were, so that what happened meanwhile can be asked for.
 */
export function hear<T>(kinds: readonly string[], told: (body: T, kind: string) => void, again: () => void): void {
  let source: EventSource | null = null;
  const listen = () => {
    const opened = new EventSource("/api/v1/events");
    source = opened;
    for (const kind of kinds) opened.addEventListener(kind, (event) => told((JSON.parse((event as MessageEvent<string>).data) as { body: T }).body, kind));
    return opened;
  };
  const cease = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") cease();
    // The service ends a stream for good where it refuses one.
    else if (!source || source.readyState === EventSource.CLOSED) listen().addEventListener("open", again, { once: true });
  });
  window.addEventListener("pagehide", cease);
  if (document.visibilityState === "visible") listen();
}
