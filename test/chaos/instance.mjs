/**
 * One instance of an application under load: the package as users get it, in Nest, asked by as many loops as told.
 *
 * node instance.mjs SETTINGS: tells 'ready'; begins with the message { begin }; counts into another phase with
 * { phase }; ends with { end }, closes the application, tells what became of its requests, and must then end by itself.
 */
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { definePolicy, RATE_LIMIT_STORE, RateLimitModule } from 'nestjs-redis-rate-limit';
import { awakeClock } from '../support/awake.mjs';

const { options, claims, loops, rest, clock, tally } = JSON.parse(process.argv[2]);

const realNow = Date.now;
Date.now = () => realNow() + clock;

const log = [];
const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(String(error)));
process.on('uncaughtException', (error) => unhandled.push(String(error)));

const line = (message) => void (log.length < 10_000 && log.push(`${Math.round(performance.now())} ${message}`));
const logger = { log: line, warn: line, error: line, debug() {}, verbose() {}, fatal: line };

class Root {}
Module({ imports: [RateLimitModule.forRoot(options)] })(Root);
const app = await NestFactory.createApplicationContext(Root, { logger });
const store = app.get(RATE_LIMIT_STORE);
const policies = claims.map(({ policy }) => definePolicy(policy));

/** Who takes so many ms has waited for a deadline. */
const LONG = 240;

const awake = awakeClock();
const phases = {};
let phase;
let running = true;
let working = [];

function enter(name) {
  phase = phases[name] = {
    sent: 0,
    admitted: 0,
    denied: 0,
    locally: 0,
    refused: 0,
    wrong: [],
    waited: 0,
    slowest: 0,
    slowestAwake: 0,
    units: {},
  };
}

/** A key of `keys` many, if the claim says so. */
const keyOf = ({ key, keys }) => (keys ? `${key}${Math.floor(Math.random() * keys)}` : key);

async function loop() {
  while (running) {
    await one();
    await sleep(rest);
  }
}

async function one() {
  const hits = claims.map((claim, i) => ({ policy: policies[i], key: keyOf(claim), cost: 1 }));
  const own = phase;
  own.sent++;
  const began = performance.now();
  const beganAwake = awake.now();
  try {
    count(own, hits, await store.consume(hits));
  } catch (error) {
    if (error.code === 'RL_STORE_UNAVAILABLE') own.refused++;
    else own.wrong.push(String(error));
  }
  const took = performance.now() - began;
  if (took > LONG) own.waited++;
  own.slowest = Math.max(own.slowest, took);
  own.slowestAwake = Math.max(own.slowestAwake, awake.now() - beganAwake);
}

function count(own, hits, decisions) {
  const isAllowed = decisions.every(({ allowed }) => allowed);
  const local = decisions.filter(({ by }) => by === 'local').length;
  if (local > 0) {
    if (local < decisions.length) own.wrong.push('a request was decided by Redis in part');
    if (isAllowed) own.locally++;
    else own.denied++;
  } else if (isAllowed) {
    own.admitted++;
    for (const { policy, key } of tally ? hits : []) {
      const id = `${policy.name} ${key}`;
      own.units[id] = (own.units[id] ?? 0) + 1;
    }
  } else own.denied++;
}

/** What the process holds on to. */
function memory() {
  globalThis.gc?.();
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((kind) => kind === 'Timeout').length;
  return { heap: process.memoryUsage().heapUsed, handles: resources.length - timers, timers };
}

async function end() {
  const before = memory();
  running = false;
  line('the application closes');
  const began = awake.now();
  await app.close();
  const closing = awake.now() - began;
  await Promise.all(working);
  process.off('disconnect', process.exit);
  process.send({ phases, log, unhandled, closing, ...before }, () => process.disconnect());
}

// Its parent is gone.
process.on('disconnect', process.exit);

process.on('message', (message) => {
  if (message.begin) {
    enter(message.begin);
    working = Array.from({ length: loops }, loop);
  }
  if (message.phase) enter(message.phase);
  if (message.memory) process.send({ memory: memory() });
  if (message.end) void end();
});
process.send('ready');
