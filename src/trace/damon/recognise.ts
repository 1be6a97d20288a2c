/** Whether a file holds regions of Linux's DAMON: how hot memory was, not what was referenced. */

/** The events of a text, or the keys of a JSON document; a name of damo's own must be among them. */
const TEXT = /\b(damon_aggregated|damos_before_apply): /;
const JSON_START = /^\s*\[\s*\{/;
const JSON_KEY = /"(kdamond_idx|scheme_idx)"\s*:/;

export type DamonForm = "text" | "json";

/** RFC 1950: deflate with a window of 32 KiB, and a check of the two bytes. */
const DEFLATE = 0x78;

/** Whether bytes may be damo's compressed JSON; their two bytes of magic are too few to be sure. */
export function looksDeflated([method = 0, flags = 0]: Uint8Array): boolean {
  return method === DEFLATE && (method * 256 + flags) % 31 === 0;
}

/** The form of a file that starts with `head`, decompressed; undefined if it is none. */
export function damonForm(head: Uint8Array): DamonForm | undefined {
  const start = new TextDecoder("latin1").decode(head);
  if (JSON_START.test(start) && JSON_KEY.test(start)) return "json";
  return TEXT.test(start) ? "text" : undefined;
}
