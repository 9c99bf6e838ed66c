-- Requests of several hits: all are judged before any is written.
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
    local at, to, cost_text = places[n], answered + 3 * n, texts[n]
    if not all_allowed and reply[to] == 0 then
      -- All or none: beside a denied hit, one that would have passed only looks, or gives back.
      cost_text = records[n] == CHARGED and -costs[n] or 0
      reply[to - 2], reply[to - 1], reply[to], records[n], lifetimes[n] = policies[at](KEYS[hit + n],
        policies[at + 1], policies[at + 2], policies[at + 3], cost_text, now, policies[at + 4])
    end
    if records[n] and records[n] ~= CHARGED then settle(KEYS[hit + n], records[n], lifetimes[n], at + 2, cost_text) end
  end
  hit, answered = hit + hits, answered + 3 * hits
end
