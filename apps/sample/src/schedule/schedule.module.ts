import { Module } from '@nestjs/common';
import { ScheduleModule as Timers } from '@nestjs/schedule';
import { TrialSchedule } from './trial-schedule.js';

@Module({ imports: [Timers.forRoot()], providers: [TrialSchedule], exports: [TrialSchedule] })
export class ScheduleModule {}
