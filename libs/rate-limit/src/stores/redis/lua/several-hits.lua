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
