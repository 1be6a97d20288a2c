/** The registry: one line a policy, in the order in which `clockhand list policies` shows them. */

import "./fifo";
import "./lru";
import "./clock";
import "./nru";
import "./random";
import "./opt";
import "./lfu";
import "./mru";
import "./aging";
import "./lru_k";
import "./hyperbolic";
