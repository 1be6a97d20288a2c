/** What `clockhand new-policy` writes: a small policy that works, with the whole contract in its comments. */

import { API } from "./sources.ts";

/** `my-policy` as `MyPolicy`, `slru` as `SlruPolicy`, `2q` as `My2qPolicy`. */
export function classNameOf(name: string): string {
  const words = name.split("-").filter((word) => word !== "" && word !== "policy");
  const camel = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
  return /^(\d|$|Replacement$)/.test(camel) ? `My${camel}Policy` : `${camel}Policy`;
}

export function templateOf(name: string): string {
  const className = classNameOf(name);
  return `/**
 * ${name}: second chance, to be changed into a policy of your own.
 *
 * A hand goes round the frames and evicts the first page whose count of references has run out, taking one
 * chance from each page that it passes. With one chance this is clockhand's own "clock".
 *
 *     clockhand check-policy ./${name}.ts
 *     clockhand replay TRACE --policy ./${name}.ts:chances=3
 *
 * This is AssemblyScript: TypeScript's syntax with WebAssembly's types (u32, u64, f64, usize). It has no
 * closures, and a policy allocates nothing: its state is numbers in fields, and arrays that it reserves.
 */

import { isHeld, parameter, ReplacementPolicy, register, reserveArray } from "${API}";

@unmanaged
@final
class ${className} extends ReplacementPolicy {
  // Fields are zero when a run starts. They may take 512 bytes.
  private frames: u32;
  private hand: u32;
  private chancesMax: u32;
  /** Address of an array with one byte for each frame. */
  private chances: usize;

  /** What the policy is called and which parameters it takes, as JSON. */
  about(): string {
    return \`{
      "name": "${name}",
      "summary": "What it does, in one sentence",
      "paper": "Where it comes from",
      "parameters": [
        { "name": "chances", "type": "integer", "default": 1, "min": 1, "max": 255,
          "summary": "how often the hand passes a page that was referenced as often" }
      ]
    }\`;
  }

  /**
   * Called once, before the run. There are \`frames\` frames, numbered from 0, and at most \`pages\` pages.
   * Arrays are reserved here and nowhere else; they exist, and are zero, when the run starts.
   */
  init(frames: u32, pages: u32): void {
    this.frames = frames;
    this.chancesMax = <u32>parameter(0);
    this.chances = reserveArray<u8>(frames);
  }

  /** The page in frame \`pfn\` is referenced, \`references\` times in a row. This is called most. */
  onHit(pfn: u32, references: u32): void {
    const at = this.chances + pfn;
    store<u8>(at, <u8>min(<u32>load<u8>(at) + references, this.chancesMax));
  }

  /** All frames are taken: the frame whose page shall go, to make room for \`page\`. */
  victim(page: u32): u32 {
    const chances = this.chances;
    let pfn = this.hand;
    for (;;) {
      if (isHeld(pfn)) {
        const count = load<u8>(chances + pfn);
        if (count == 0) break;
        store<u8>(chances + pfn, count - 1);
      }
      pfn = this.after(pfn);
    }
    this.hand = this.after(pfn);
    return pfn;
  }

  /**
   * \`page\` is now in frame \`pfn\`, which was free or has just been the victim's, and is referenced once.
   */
  onFill(pfn: u32, page: u32): void {
    store<u8>(this.chances + pfn, 0);
  }

  /**
   * The page in \`pfn\` is gone without having been chosen: forget it. Only where there are processes that
   * end or unmap memory; a policy without this method is none for them. Here the hand passes frames without
   * a page.
   */
  onRemove(pfn: u32): void {}

  // There may also be:
  //   onEvict(pfn: u32, page: u32): void  after \`victim\`: \`page\` has left the frame \`pfn\`
  //   onReturn(page: u32): void           \`page\` comes into a free frame, and no \`victim\` was asked for
  //   onForget(page: u32): void           \`page\`, which is not in memory, never comes back
  //   onWrite(pfn: u32): void             after a reference that writes to the page in \`pfn\`
  //   interval(): u32                     a number of references, above 0, after which again and again
  //   onInterval(): void                  this is called
  //   onFuture(nextUse: u64): void        before a reference: when the same page is used next, or NEVER

  private after(pfn: u32): u32 {
    return pfn + 1 == this.frames ? 0 : pfn + 1;
  }
}

register<${className}>();
`;
}
