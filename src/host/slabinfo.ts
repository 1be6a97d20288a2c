/**
 * Reads /proc/slabinfo, version 2.1, of SLUB and SLAB: `name active num objsize objperslab pagesperslab :
 * tunables ... : slabdata ...`. Root alone may read it on most systems.
 */

import type { SlabCache } from "../machine_state.ts";
import { counterOf, linesOf, matched } from "./lines.ts";

const NUMBER = " +(\\d+)";
/** A name may hold blanks; the five numbers before the tunables are its end. */
const ROW = new RegExp(
  `^(\\S.{0,255}?)${NUMBER.repeat(5)} : tunables${NUMBER.repeat(3)} : slabdata${NUMBER.repeat(3)}( : .*)?$`,
);

export function parseSlabinfo(text: string, path = "/proc/slabinfo"): SlabCache[] {
  const [version, titles, ...rows] = linesOf(text, path);
  const missing = { text: "", at: `${path}:2` };
  matched(version ?? missing, /^slabinfo - version: 2\.1( \(statistics\))?$/, '"slabinfo - version: 2.1"');
  matched(titles ?? missing, /^# name +<active_objs>/, '"# name <active_objs> ..."');
  return rows.map((line) => {
    const [name = "", ...fields] = matched(line, ROW, "a cache's row");
    const statistics = fields[11];
    const [
      active_objs = 0,
      num_objs = 0,
      objsize = 0,
      objperslab = 0,
      pagesperslab = 0,
      limit = 0,
      batchcount = 0,
      sharedfactor = 0,
      active_slabs = 0,
      num_slabs = 0,
      sharedavail = 0,
    ] = fields.slice(0, 11).map((digits) => counterOf(digits, line.at));
    return {
      name,
      ...{ active_objs, num_objs, objsize, objperslab, pagesperslab },
      ...{ limit, batchcount, sharedfactor, active_slabs, num_slabs, sharedavail },
      ...(statistics === undefined ? {} : { statistics: statistics.slice(" : ".length) }),
    };
  });
}
