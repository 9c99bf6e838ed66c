import { startBoth } from './both.js';
import { startCalendar } from './calendar.js';
import { startCosts } from './costs.js';
import { startPlayground } from './playground.js';
import { startSchedule } from './schedule.js';
import { startStore } from './store.js';
import { startUploads } from './uploads.js';
import { startWatch } from './watch.js';
import { startWho } from './who.js';

startPlayground();
startBoth();
startUploads();
startCosts();
startWho();
startCalendar();
startSchedule();
startWatch();
startStore();
