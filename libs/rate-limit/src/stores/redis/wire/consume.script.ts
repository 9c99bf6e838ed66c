// Generated from lua/*.lua by `npm run lua`. Do not edit.

/** The name Redis knows the script by. */
export const consumeSha = 'ee027775915caf01ff6875cdc2f08fe9a482daf7';

export const consumeScript = `-- Judges each request of a batch in turn: charges all of its hits or none.
--
-- KEYS      the states of the hits, request by request, and behind them their blocks (blocks.lua), where there are
--           such; on a Cluster all of them share one hash slot
-- ARGV      not_after: the server's clock past which nothing is charged, or '' for never too late
--           now in ms, or '' for the server's clock
--           the policies, each: algorithm, limit, window, burst, life (how long its keys are kept, in ms); without any
--           nobody is judged, and only the clock is told
--           the requests, in runs of equal ones: how many requests, how many hits each has, then of each hit: which
--           policy, cost. Without any, each key is a request for one unit of the only policy. Fewer than 0 hits: the
--           requests have policies that block (blocks.lua)
-- Returns   little-endian doubles: the server's clock in ms, then per hit remaining, reset_after and retry_after (0 when
--           it is allowed), of one with a block also how long it stands; the clock alone when it is past not_after
--
-- A state says itself when it began; its key's TTL only collects garbage. A key of a foreign type, or with a value
-- that no algorithm wrote, is an absent state, and so a full quota; the next charge writes over it. A state more than a
-- window ahead of now comes from a clock that had jumped: it is moved to now (core/algorithm.ts).
--
-- Redis runs this from the top each time. So what one algorithm needs is made when that algorithm is met, a hit makes
-- no table (a log's does) and no closure, and what Redis is told comes as text from ARGV where it can: Lua is slow at writing numbers.

local KEYS, ARGV = KEYS, ARGV
local call, pcall_redis, type, tonumber = redis.call, redis.pcall, type, tonumber
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpack_record, format, rep = struct.pack, struct.unpack, string.format, string.rep

-- Below it a double holds every whole number exactly.
local LARGEST = 9007199254740992

-- The numbers of a packed record, or nothing when it is none of that size and layout.
local function read_record(found, size, layout)
  if found and #found == size then
    local a, b, c = unpack_record(layout, found)
    if
      a >= 0 and a < LARGEST and a % 1 == 0 and b >= 0 and b < LARGEST and b % 1 == 0
      and c >= 0 and c < LARGEST and c % 1 == 0
    then
      return a, b, c
    end
  end
end

-- The driver: see the contract in prelude.lua.

local time = call('TIME')
local server = time[1] * 1000 + floor(time[2] / 1000)
local not_after, now = tonumber(ARGV[1]), tonumber(ARGV[2]) or server
if not_after and server > not_after then return pack('<d', server) end

-- What a judge gives to be written: nothing, a record, a number (where a log begins), or one of these; CHARGED when it
-- wrote itself.
local NOTHING_LEFT, ADD_COST, CHARGED = '', true, 'charged'
-- And for how long it must be kept: a number of ms, or this where the key's TTL reaches far enough.
local KEEP_TTL = false

local fixed_window, sliding_window, sliding_log, write_log, token_bucket

-- The policies as they stand in ARGV: five entries each, from the first on, with the judge in place of the algorithm.
local policies, arg = { 0, 0, 0, 0, 0 }, 3
while ARGV[arg] and not tonumber(ARGV[arg]) do
  local algorithm, judge = ARGV[arg]
  if algorithm == 'fixed-window' then
    if not fixed_window then
      -- Twin: core/algorithms/fixed-window.ts. The same law, but charged first where that is likely right; change both.
      --
      -- State: start, used. One integer where it fits, which takes the least room and is charged by INCRBY: the ms from 2025
      -- to start, times 8192 (so that % is exact), plus used. Else packed behind a 0, so that no record is a number in text.
      -- Smaller integers than the least one, of 2 February 2026, are somebody else's.
      local EPOCH, UNITS, LEAST_COUNTER = 1735689600000, 8192, 281474976710656

      function fixed_window(key, limit, window, burst, cost, now, life, cost_text)
        local start, used, moved, counted, packed = now, 0, false, false, false
        local found, counter, charged
        if cost > 0 and cost <= limit and limit < UNITS then
          -- Mostly the window is there and has room: then one INCRBY charges it, and says all there is to know.
          local sum = pcall_redis('INCRBY', key, cost_text)
          charged = type(sum) == 'number'
          if charged then
            local kept = sum % UNITS
            local until_end = (sum - kept) / UNITS + EPOCH + window - now
            if
              kept >= cost and kept <= limit and until_end > 0 and until_end <= 2 * window
              and sum >= LEAST_COUNTER and sum < LARGEST
            then
              return limit - kept, until_end, 0, CHARGED
            end
            -- From LARGEST on a double is not exact, and nothing is a counter.
            counter = sum < LARGEST and sum - cost or LARGEST
          end
        end
        if not charged then
          found = pcall_redis('GET', key)
          counter = found and tonumber(found)
        end
        local state_start, state_used
        if counter and counter >= LEAST_COUNTER and counter < LARGEST and counter % 1 == 0 then
          state_used = counter % UNITS
          state_start = (counter - state_used) / UNITS + EPOCH
        elseif found then
          local tag
          tag, state_start, state_used = read_record(found, 24, '<ddd')
          if tag ~= 0 then state_start = nil end
        end
        if state_start then
          local elapsed = now - state_start
          moved = elapsed < -window
          if moved then
            used = state_used
          elseif elapsed < window then
            start, used, counted, packed = state_start, state_used, counter, not counter
          end
        end

        local kept, until_end = used, start + window - now
        local reset_after, retry_after = 0, 0
        local allowed = cost <= limit - used or cost <= 0
        if allowed then
          kept = max(0, used + cost)
        elseif cost > limit then
          retry_after = -1
        else
          retry_after = until_end
        end
        if kept > 0 and limit > 0 then reset_after = until_end end
        -- It did not fit, and is taken back; what INCRBY made of nothing, the record replaces.
        if charged and counter ~= 0 then call('INCRBY', key, -cost) end

        local record, lifetime
        if kept == 0 then
          record = (counter or state_start) and NOTHING_LEFT
        elseif moved or allowed and cost ~= 0 then
          counter = (start - EPOCH) * UNITS + kept
          if kept >= UNITS or counter < LEAST_COUNTER or counter >= LARGEST then
            record = pack('<ddd', 0, start, kept)
            lifetime = not packed and until_end
          elseif counted then
            record = ADD_COST
          else
            record, lifetime = format('%.0f', counter), until_end
          end
        end
        return max(0, limit - kept), reset_after, retry_after, record, lifetime
      end
    end
    judge = fixed_window
  elseif algorithm == 'sliding-window' then
    if not sliding_window then
      -- Twin: core/algorithms/sliding-window.ts. Same names, same order; change both.
      --
      -- State: start, current, previous

      -- How long until \`units\` are there: as the last window slides out, or after the turn, as this one does.
      local function sliding_window_wait(limit, window, current, previous, units, start, now)
        local room = (limit - current - units) * window
        if room >= 0 then return start + window - floor(room / previous) - now end
        return start + 2 * window - floor((limit - units) * window / current) - now
      end

      function sliding_window(key, limit, window, burst, cost, now)
        local start, current, previous, moved = now, 0, 0, false
        local found = pcall_redis('GET', key)
        local state_start, state_current, state_previous = read_record(found, 24, '<ddd')
        if state_start then
          local elapsed = now - state_start
          moved = elapsed < -window
          if moved then
            current, previous = state_current, state_previous
          elseif elapsed < window then
            start, current, previous = state_start, state_current, state_previous
          elseif elapsed < 2 * window and state_current > 0 then
            start, previous = state_start + window, state_current
          end
        end

        local left = min(window, start + window - now)
        local weight = ceil(previous * left / window)
        local allowed = cost <= limit - current - weight or cost <= 0

        -- The current window is charged; what it cannot give back, the one before does.
        local kept_current, kept_previous = current, previous
        if allowed then
          kept_current = max(0, current + cost)
          kept_previous = max(0, previous + min(0, current + cost))
        end
        local full = kept_current == 0 and kept_previous == 0
        local remaining = max(0, limit - kept_current - ceil(kept_previous * left / window))

        local reset_after, retry_after = 0, 0
        if not full and limit > 0 then
          reset_after = sliding_window_wait(limit, window, kept_current, kept_previous, remaining + 1, start, now)
        end
        if not allowed then
          if cost > limit then
            retry_after = -1
          else
            retry_after = sliding_window_wait(limit, window, current, previous, cost, start, now)
          end
        end

        local record, lifetime
        if full then
          record = state_start and NOTHING_LEFT
        elseif moved or allowed and cost ~= 0 then
          record = pack('<ddd', start, kept_current, kept_previous)
          -- The TTL was set when this window began, and reaches to the end of the next.
          lifetime = start ~= state_start and start + 2 * window - now
        end
        return remaining, reset_after, retry_after, record, lifetime
      end
    end
    judge = sliding_window
  elseif algorithm == 'sliding-log' then
    if not sliding_log then
      -- Twin: core/algorithms/sliding-log.ts. The same law on another state; change both.
      --
      -- State: a list like a fence, sums as the posts and times as the rails between them, oldest first:
      --   sum, at, sum, at, sum …
      -- The units charged at a time are the sum after it less the sum before it. Dropping the oldest entry drops a post
      -- and a rail from the left; nothing else changes. Finding an entry is a binary search.

      local function sound(n)
        return n and n >= 0 and n < LARGEST and n % 1 == 0
      end

      local function log_at(key, index)
        return tonumber(call('LINDEX', key, index)) or 0
      end

      -- The first entry from \`from\` on whose value exceeds \`threshold\`; \`offset\` is 1 for its time, 2 for the sum after it.
      local function log_search(key, from, entries, offset, threshold)
        local to = entries
        while from < to do
          local middle = floor((from + to) / 2)
          if log_at(key, 2 * middle + offset) > threshold then to = middle else from = middle + 1 end
        end
        return from
      end

      -- How many entries, the first live one, the sum before it, the sum of all, the time of the last.
      -- 0 entries when there is no log, or something else in its place.
      local function read_log(key, window, now)
        local length = pcall_redis('LLEN', key)
        if type(length) ~= 'number' or length < 3 or length % 2 == 0 then return 0, 0, 0, 0, now end
        local entries = (length - 1) / 2
        local head, tail = call('LRANGE', key, 0, 1), call('LRANGE', key, -2, -1)
        local before, first, last, total = tonumber(head[1]), tonumber(head[2]), tonumber(tail[1]), tonumber(tail[2])
        if not (sound(before) and sound(first) and sound(last) and sound(total)) or total < before then
          return 0, 0, 0, 0, now
        end

        local live, at = 0, max(now, last)
        if first + window <= at then
          live = log_search(key, 0, entries, 1, at - window)
          before = log_at(key, 2 * live)
        end
        return entries, live, before, total, last
      end

      -- How long until the oldest \`units\` of the live entries have left the window.
      local function sliding_log_wait(key, live, entries, before, units, window, now)
        local index = live
        if units > 1 then index = log_search(key, live, entries, 2, before + units - 1) end
        return log_at(key, 2 * index + 1) + window - now
      end

      function sliding_log(key, limit, window, burst, cost, now, life)
        local entries, live, before, total, last = read_log(key, window, now)
        local found = entries > 0
        if last - now > window then
          local used = total - before
          call('DEL', key)
          call('RPUSH', key, 0, now, used)
          call('PEXPIRE', key, life)
          entries, live, before, total, last = 1, 0, 0, used, now
        end
        local at = max(now, last)

        local used = total - before
        local allowed = cost <= 0 or cost <= limit - used
        local kept = used
        if allowed then kept = max(0, used + cost) end
        local remaining = max(0, limit - kept)

        local reset_after, retry_after = 0, 0
        if kept > 0 and limit > 0 then
          local units = kept + remaining + 1 - limit
          if units > used then
            -- Those past what was used are the ones charged now.
            reset_after = at + window - now
          else
            reset_after = sliding_log_wait(key, live, entries, before, units, window, now)
          end
        end
        if not allowed then
          if cost > limit then
            retry_after = -1
          else
            retry_after = sliding_log_wait(key, live, entries, before, used + cost - limit, window, now)
          end
        end

        local record
        if kept == 0 then
          record = found and NOTHING_LEFT
        elseif allowed and cost ~= 0 then
          record = found and live or -1
        end
        return remaining, reset_after, retry_after, record, at + window - now
      end

      -- Sums only grow while a log is not empty. Long before doubles lose a unit all of them begin anew at 0.
      local LARGEST_SUM = 4503599627370496
      local function log_rebase(key)
        local fence = call('LRANGE', key, 0, -1)
        local before = tonumber(fence[1]) or 0
        for post = 1, #fence, 2 do
          call('LSET', key, post - 1, max(0, (tonumber(fence[post]) or before) - before))
        end
      end

      -- The newest entries first. One whose sums somebody damaged holds nothing.
      local function log_give_back(key, units)
        while units > 0 do
          local newest = call('LRANGE', key, -3, -1)
          if #newest < 3 then return end
          local total = tonumber(newest[3]) or 0
          local charged = max(0, total - (tonumber(newest[1]) or total))
          if charged > units then
            call('LSET', key, -1, total - units)
          else
            call('RPOP', key, 2)
          end
          units = units - charged
        end
      end

      -- Charges a log, or gives back to it, as \`sliding_log\` has allowed. \`live\` is its first live entry, or -1 where no log was found.
      function write_log(key, live, cost, now, life)
        if live < 0 then
          -- Only what is there: after its first write Redis refuses a script nothing more, however full the memory is.
          if call('PTTL', key) ~= -2 then call('DEL', key) end
          call('RPUSH', key, 0, now, cost)
        else
          if live > 0 then call('LTRIM', key, 2 * live, -1) end
          if cost > 0 then
            if log_at(key, -1) + cost >= LARGEST_SUM then log_rebase(key) end
            local last, total = log_at(key, -2), log_at(key, -1)
            if now > last then
              call('RPUSH', key, now, total + cost)
            else
              call('LSET', key, -1, total + cost)
            end
          else
            log_give_back(key, -cost)
          end
        end
        call('PEXPIRE', key, life)
      end
    end
    judge = sliding_log
  else
    if not token_bucket then
      -- Twin: core/algorithms/token-bucket.ts. Same names, same order; change both. GCRA is the same with another burst.
      --
      -- State: debt in units times ms of window, at; and until when the key's TTL reaches, which need not be renewed at
      -- every charge.

      function token_bucket(key, limit, window, burst, cost, now, life)
        local capacity = 0
        if limit > 0 then capacity = burst * window end
        local at, debt, moved = now, 0, false
        local found = pcall_redis('GET', key)
        local state_debt, state_at, until_then = read_record(found, 24, '<ddd')
        if state_at then
          local elapsed = now - state_at
          moved = elapsed < -window
          debt = max(0, state_debt - max(0, elapsed) * limit)
          if elapsed < 0 and not moved then at = state_at end
        end

        local weight = cost * window
        local allowed = cost <= 0 or weight <= capacity - debt
        local kept, ahead = debt, at - now
        if allowed then kept = max(0, debt + weight) end
        local remaining = max(0, floor((capacity - kept) / window))

        local reset_after, retry_after = 0, 0
        if kept > 0 and capacity > 0 then
          reset_after = ahead + ceil((kept - capacity + (remaining + 1) * window) / limit)
        end
        if not allowed then
          if weight > capacity then
            retry_after = -1
          else
            retry_after = ahead + ceil((debt - capacity + weight) / limit)
          end
        end

        local record, lifetime
        if kept == 0 then
          record = state_at and NOTHING_LEFT
        elseif moved or allowed and cost ~= 0 then
          lifetime = window
          if limit > 0 then lifetime = ceil(kept / limit) end
          lifetime = ahead + lifetime
          if until_then and until_then - now >= lifetime then
            lifetime = KEEP_TTL
          else
            until_then = now + max(life, lifetime)
          end
          record = pack('<ddd', kept, at, until_then)
        end
        return remaining, reset_after, retry_after, record, lifetime
      end
    end
    judge = token_bucket
  end
  policies[arg - 2] = judge
  for i = arg + 1, arg + 4 do policies[i - 2] = tonumber(ARGV[i]) end
  arg = arg + 5
end

-- Writes what a judge left. \`policy\` is where the policy stands in ARGV, whose texts Redis is told.
local function settle(key, record, lifetime, policy, cost)
  local life = ARGV[policy + 4]
  if lifetime and lifetime > policies[policy + 2] then life = lifetime end
  if record == ADD_COST then
    local sum = pcall_redis('INCRBY', key, cost)
    if type(sum) == 'table' then
      if not string.find(sum.err, 'integer') then error(sum.err) end
      -- Text that reads like a counter, and is none to Redis, is written as one.
      call('SET', key, format('%.0f', tonumber(call('GET', key)) + cost), 'PX', life)
    end
  elseif record == NOTHING_LEFT then
    call('DEL', key)
  elseif type(record) == 'number' then
    write_log(key, record, tonumber(cost), now, life)
  elseif lifetime then
    call('SET', key, record, 'PX', life)
  else
    call('SETRANGE', key, '0', record)
  end
end

local reply, answered, hit, blocks_met = { server, 0, 0, 0 }, 1, 0, 0

-- The next run of requests. When nothing is said, each key is a request for one unit of the only policy.
local requests, hits, policy, cost_text = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), ARGV[arg + 2], ARGV[arg + 3]
if not requests then requests, hits, policy, cost_text = #KEYS, 1, 1, '1' end
while requests and policies[1] ~= 0 do
  if hits == 1 then
    local at, cost = 5 * policy - 4, tonumber(cost_text)
    local judge, limit, window, burst, life =
      policies[at], policies[at + 1], policies[at + 2], policies[at + 3], policies[at + 4]
    for i = hit + 1, hit + requests do
      local remaining, reset_after, retry_after, record, lifetime =
        judge(KEYS[i], limit, window, burst, cost, now, life, cost_text)
      reply[answered + 1], reply[answered + 2], reply[answered + 3] = remaining, reset_after, retry_after
      answered = answered + 3
      if record and record ~= CHARGED then settle(KEYS[i], record, lifetime, at + 2, cost_text) end
    end
    hit = hit + requests
  elseif hits > 0 then
    -- Requests of several hits. Each is judged, which may charge it already; what is left to be written is, when all are
    -- judged, and what was charged beside a denial is given back.
    local places, costs, texts, records, lifetimes = {}, {}, {}, {}, {}
    for n = 1, hits do
      places[n], texts[n] = 5 * ARGV[arg + 2 * n] - 4, ARGV[arg + 2 * n + 1]
      costs[n] = tonumber(texts[n])
    end

    for _ = 1, requests do
      local all_allowed = true
      for n = 1, hits do
        local at, to = places[n], answered + 3 * n
        reply[to - 2], reply[to - 1], reply[to], records[n], lifetimes[n] = policies[at](KEYS[hit + n],
          policies[at + 1], policies[at + 2], policies[at + 3], costs[n], now, policies[at + 4], texts[n])
        if reply[to] ~= 0 then all_allowed = false end
      end
      for n = 1, hits do
        local at, to, settled_cost = places[n], answered + 3 * n, texts[n]
        if not all_allowed and reply[to] == 0 then
          -- All or none: beside a denied hit, one that would have passed only looks, or gives back.
          settled_cost = records[n] == CHARGED and -costs[n] or 0
          reply[to - 2], reply[to - 1], reply[to], records[n], lifetimes[n] = policies[at](KEYS[hit + n],
            policies[at + 1], policies[at + 2], policies[at + 3], settled_cost, now, policies[at + 4])
        end
        if records[n] and records[n] ~= CHARGED then settle(KEYS[hit + n], records[n], lifetimes[n], at + 2, settled_cost) end
      end
      hit, answered = hit + hits, answered + 3 * hits
    end
  else
    -- Twin: core/blocks/block.ts. The same law; change both.
    --
    -- Requests with a policy that blocks, \`hits\` being less than 0. Their arguments have three entries for each hit: which
    -- policy, cost, and '' or the block's rule as text: a span that code asks to block for or 0, the least TTL, extend,
    -- forget_after, the spans. The keys of their blocks stand at the end of KEYS, the first one last. A hit with a rule
    -- has a fourth number in the reply: how long a block stands, or 0.
    --
    -- State: start, span, step
    hits = -hits
    local places, costs, texts, rules = {}, {}, {}, {}
    for n = 1, hits do
      local from = arg + 3 * n - 1
      places[n], texts[n] = 5 * ARGV[from] - 4, ARGV[from + 1]
      costs[n] = tonumber(texts[n])
      if ARGV[from + 2] ~= '' then
        local rule = {}
        for number in string.gmatch(ARGV[from + 2], '%d+') do rule[#rule + 1] = tonumber(number) end
        rules[n] = rule
      end
    end
    arg = arg + hits
    local IMPOSED, LEAST_LIFE, EXTEND, FORGET_AFTER, FIRST_SPAN = 1, 2, 3, 4, 5

    local function life_of(rule, start, span)
      return max(rule[LEAST_LIFE], start + span + rule[FORGET_AFTER] - now)
    end

    -- A denial stands also where nothing may be written, and is then without a block.
    local function write_block(key, rule, start, span, step)
      local written = pcall_redis('SET', key, pack('<ddd', start, span, step), 'PX', format('%.0f', life_of(rule, start, span)))
      return not (type(written) == 'table' and written.err)
    end

    -- The state as of now: start, span, step; or nothing.
    local function read_block(key, rule)
      local found = pcall_redis('GET', key)
      if not found then return end
      local start, span, step = read_record(found, 24, '<ddd')
      if not start then
        -- None of ours, and nobody else would ever remove it.
        call('DEL', key)
        return
      end
      if start - now > span then
        start = now
        write_block(key, rule, start, span, step)
      end
      local life = life_of(rule, start, span)
      local left = call('PTTL', key)
      if left == -1 or left > 100 * max(1, life) then call('PEXPIRE', key, format('%.0f', max(1, life))) end
      return start, span, step
    end

    -- Of a blocked quota nothing is charged: what it holds, and how long the cost would have to wait for it.
    local function look(n, key)
      local at, cost = places[n], costs[n]
      local judge, limit, window, burst, life =
        policies[at], policies[at + 1], policies[at + 2], policies[at + 3], policies[at + 4]
      local remaining, reset_after, _, record, lifetime = judge(key, limit, window, burst, 0, now, life, '0')
      if record and record ~= CHARGED then settle(key, record, lifetime, at + 2, '0') end
      local wait = 0
      if cost > (limit > 0 and burst or 0) then
        wait = -1
      elseif cost == remaining + 1 then
        wait = reset_after
      elseif cost > remaining then
        _, _, wait = judge(key, limit, window, burst, cost, now, life, texts[n])
      end
      return remaining, reset_after, wait
    end

    local block = #KEYS - blocks_met
    local remaining, reset_after, retry_after, records, lifetimes = {}, {}, {}, {}, {}
    local starts, spans, steps, left, barred = {}, {}, {}, {}, {}
    for _ = 1, requests do
      local all_allowed, first_block = true, block
      for n = 1, hits do
        local key, at, rule = KEYS[hit + n], places[n], rules[n]
        left[n] = 0
        if rule then
          starts[n], spans[n], steps[n] = read_block(KEYS[block], rule)
          if starts[n] then left[n] = max(0, starts[n] + spans[n] - now) end
          block = block - 1
        end
        barred[n] = left[n] > 0 and costs[n] > 0
        if barred[n] then
          remaining[n], reset_after[n], retry_after[n] = look(n, key)
          records[n] = nil
        else
          remaining[n], reset_after[n], retry_after[n], records[n], lifetimes[n] = policies[at](key,
            policies[at + 1], policies[at + 2], policies[at + 3], costs[n], now, policies[at + 4], texts[n])
        end
        if barred[n] or retry_after[n] ~= 0 then all_allowed = false end
      end

      block = first_block
      for n = 1, hits do
        local key, at, rule, settled_cost = KEYS[hit + n], places[n], rules[n], texts[n]
        if not all_allowed and not barred[n] and retry_after[n] == 0 then
          -- All or none, as in several-hits.lua.
          settled_cost = records[n] == CHARGED and -costs[n] or 0
          remaining[n], reset_after[n], retry_after[n], records[n], lifetimes[n] = policies[at](key,
            policies[at + 1], policies[at + 2], policies[at + 3], settled_cost, now, policies[at + 4])
        end
        if records[n] and records[n] ~= CHARGED then settle(key, records[n], lifetimes[n], at + 2, settled_cost) end

        if rule then
          local start, span, step = starts[n], spans[n], steps[n]
          -- Of those before it none is remembered any more.
          if not start or start + span + rule[FORGET_AFTER] <= now then step = 0 end
          if barred[n] then
            if rule[EXTEND] == 1 and retry_after[n] >= 0 and now > start and write_block(KEYS[block], rule, now, span, step) then
              left[n] = span
            end
          elseif rule[IMPOSED] > 0 then
            if write_block(KEYS[block], rule, now, rule[IMPOSED], step) then left[n] = rule[IMPOSED] end
          elseif retry_after[n] > 0 then
            span = rule[min(FIRST_SPAN + step, #rule)]
            step = min(step + 1, #rule - FIRST_SPAN + 1)
            if span > 0 and write_block(KEYS[block], rule, now, span, step) then left[n] = span end
          end
          if left[n] > 0 then
            if policies[at + 1] == 0 then
              reset_after[n] = 0
            elseif remaining[n] > 0 then
              reset_after[n] = left[n]
            else
              reset_after[n] = max(left[n], reset_after[n])
            end
            remaining[n] = 0
            if costs[n] > 0 and retry_after[n] >= 0 then retry_after[n] = max(left[n], retry_after[n]) end
          end
          block = block - 1
        end

        reply[answered + 1], reply[answered + 2], reply[answered + 3] = remaining[n], reset_after[n], retry_after[n]
        answered = answered + 3
        if rule then
          answered = answered + 1
          reply[answered] = left[n]
        end
      end
      hit = hit + hits
    end
    blocks_met = #KEYS - block
  end
  arg = arg + 2 + 2 * hits
  requests, hits, policy, cost_text = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), ARGV[arg + 2], ARGV[arg + 3]
end

-- A key that somebody made permanent, or gave years, gets its TTL back. Each run looks at one of its states; at blocks
-- it looks whenever it reads them.
if policies[1] ~= 0 then
  local inspected, longest = KEYS[1 + time[2] % max(1, hit)], 0
  for at = 5, #policies, 5 do longest = max(longest, policies[at]) end
  local left = call('PTTL', inspected)
  -- Somewhat longer it may be for reasons of ours: a clock that was set back, a burst that was lowered.
  if left == -1 or left > 100 * longest then call('PEXPIRE', inspected, longest) end
end

if answered == 4 then return pack('<dddd', reply[1], reply[2], reply[3], reply[4]) end
-- In parts, because Lua takes only so many arguments.
local packed = ''
for first = 1, answered, 600 do
  local last = min(answered, first + 599)
  packed = packed .. pack('<' .. rep('d', last - first + 1), unpack(reply, first, last))
end
return packed
`;
