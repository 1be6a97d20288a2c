/** The registry: one line a policy, in the order in which `clockhand list policies` shows them. */

import "./fifo";
import "./lru";
import "./clock";
import "./nru";
import "./arc";
import "./car";
import "./w_tinylfu";
import "./lecar";
import "./lirs";
import "./clock_pro";
import "./ws_clock";
import "./linux";
import "./mglru";
import "./random";
import "./opt";
import "./lfu";
import "./mru";
import "./aging";
import "./lru_k";
import "./hyperbolic";
import "./sieve";
import "./s3_fifo";
import "./2q";
import "./slru";
import "./mq";
