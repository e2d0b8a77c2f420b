// What each person has seen, for as long as this tab lives. Anything older than the tab counts as seen.

const STORED = "klingbot.read";

export class Read {
  constructor() {
    const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    this.since = stored?.since ?? (Date.now() / 1000).toFixed(6);
    this.marks = stored?.marks ?? {};
    this.keep();
  }

  /** The person has seen all of these. */
  upTo(you, channel, messages) {
    const last = messages.reduce((latest, { ts }) => (ts > latest ? ts : latest), this.mark(you, channel));
    if (last === this.mark(you, channel)) return;
    this.marks[`${you} ${channel}`] = last;
    this.keep();
  }

  isUnread(you, channel, messages) {
    const mark = this.mark(you, channel);
    return messages.some((message) => message.ts > mark && message.user !== you);
  }

  mark(you, channel) {
    return this.marks[`${you} ${channel}`] ?? this.since;
  }

  keep() {
    sessionStorage.setItem(STORED, JSON.stringify({ since: this.since, marks: this.marks }));
  }
}
