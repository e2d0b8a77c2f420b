// The state of the workspace for one person, and then every change to it.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

let since = null; // when this page was loaded, by the server's clock: ephemeral messages from before are gone

function address(path, you) {
  const query = new URLSearchParams({ tz: zone });
  if (you) query.set("as", you);
  if (since) query.set("since", since);
  return `${path}?${query}`;
}

/** What `you` sees now; without `you`, what the first person sees. */
export async function readState(you) {
  const answer = await fetch(address("/page/state", you));
  if (!answer.ok) throw new Error((await answer.json()).message);
  const state = await answer.json();
  since ??= state.at;
  return state;
}

/** Tell the server what a person did; resolves to its answer, with `trouble` where it could not be done. */
export async function post(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    return answer.ok ? { ...said, trouble: null } : { trouble: said.message };
  } catch {
    return { trouble: "The sandbox does not answer. Is it still running?" };
  }
}

/**
 * Follow the workspace as `you`. The state is read anew each time the stream opens; what changes in the
 * meantime waits, so that nothing is missed between the two. Returns a function that ends it.
 */
export function follow(you, { onState, onChange, onLost }) {
  let source;
  let retry;
  let waiting = [];

  async function opened(stream) {
    waiting = [];
    const state = await readState(you);
    if (stream !== source) return;
    onState(state);
    for (const change of waiting) onChange(change);
    waiting = null;
  }

  function start() {
    const stream = new EventSource(address("/page/stream", you));
    source = stream;
    const again = () => {
      if (stream !== source) return;
      onLost();
      stream.close();
      retry = setTimeout(start, 1000);
    };
    stream.onopen = () => opened(stream).catch(again);
    stream.onmessage = (event) => {
      const change = JSON.parse(event.data);
      if (waiting) waiting.push(change);
      else onChange(change);
    };
    stream.onerror = () => (stream.readyState === EventSource.CLOSED ? again() : onLost());
  }

  start();
  return () => {
    clearTimeout(retry);
    source.close();
    source = null;
  };
}
