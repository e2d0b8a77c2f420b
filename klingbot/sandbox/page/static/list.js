// A list that scrolls: rows by key, and the reader stays where they are. A row is only touched when it changes, so
// that videos play on.

const NEAR_BOTTOM_PIXELS = 60;

export class ScrollingList {
  /** `onNews(waiting)`: whether something new is below what the reader sees. */
  constructor(scroll, list, onNews) {
    this.scroll = scroll;
    this.list = list;
    this.onNews = onNews;
    this.rows = new Map(); // key → { node, signature }
    this.end = 0; // the scrollTop of the bottom, as it was when last drawn
    scroll.addEventListener("scroll", () => this.isAtBottom() && onNews(false));
    const resized = new ResizeObserver(() => this.settle(this.isAtBottom())); // a video that has arrived, a small window
    resized.observe(list);
    resized.observe(scroll);
  }

  /** Forget what was drawn: something else comes next. */
  clear() {
    this.rows.clear();
    this.list.replaceChildren();
    this.toBottom();
  }

  toBottom() {
    this.settle(true);
  }

  /** Show these rows, each { key, signature, continued, build }; scrolls along only for someone who was at the bottom. */
  draw(wanted) {
    const before = this.rows.size;
    const wasAtBottom = this.isAtBottom();
    const keep = new Map(wanted.map((row) => [row.key, row.signature]));
    for (const [key, row] of this.rows) {
      if (keep.get(key) === row.signature) continue;
      row.node.remove();
      this.rows.delete(key);
    }
    wanted.forEach((row, place) => this.put(row, place));
    this.settle(wasAtBottom);
    if (!wasAtBottom && this.rows.size > before) this.onNews(true);
  }

  put(row, place) {
    if (!this.rows.has(row.key)) this.rows.set(row.key, { node: row.build(), signature: row.signature });
    const { node } = this.rows.get(row.key);
    node.classList.toggle("continued", Boolean(row.continued));
    if (this.list.children[place] !== node) this.list.insertBefore(node, this.list.children[place] ?? null);
  }

  /**
   * Whether the reader is at the bottom. Asked of the live position, because a scroll event comes a frame late; and
   * what has grown since the last drawing does not count, because it moved the bottom away from the reader.
   */
  isAtBottom() {
    return Math.min(this.end, this.bottom()) - this.scroll.scrollTop < NEAR_BOTTOM_PIXELS;
  }

  bottom() {
    return this.scroll.scrollHeight - this.scroll.clientHeight;
  }

  /** After the list or the window has changed: take along a reader who was at the bottom. */
  settle(wasAtBottom) {
    this.end = this.bottom();
    if (!wasAtBottom) return;
    this.scroll.scrollTop = this.end;
    this.onNews(false);
  }
}
