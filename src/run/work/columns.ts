/** Runs from one engine to another. */

import type { Column, Engine } from "../../engine/engine.ts";

export function copyColumns(columns: readonly Column[], from: Engine, to: Engine, count: number): void {
  for (const column of columns) to.column(column, count).set(from.column(column, count));
}
