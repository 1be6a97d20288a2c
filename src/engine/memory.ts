/**
 * Views of an engine's memory. Growing it detaches every view, so nobody keeps one across a call into the
 * engine: `views()` is cheap and rebuilds them when the buffer has changed.
 */

export interface Views {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
}

export function viewsOf(memory: WebAssembly.Memory): () => Views {
  let buffer: ArrayBuffer | undefined;
  let views: Views | undefined;
  return () => {
    if (views === undefined || buffer !== memory.buffer) {
      buffer = memory.buffer;
      views = {
        u8: new Uint8Array(buffer),
        u16: new Uint16Array(buffer),
        u32: new Uint32Array(buffer),
        f64: new Float64Array(buffer),
      };
    }
    return views;
  };
}
