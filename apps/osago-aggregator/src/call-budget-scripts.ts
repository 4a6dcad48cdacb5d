/** The scripts of call-budget.ts. Times are microseconds of Redis' own clock. */

/** Where each figure of LEASE's reply is. */
export const LEASE_REPLY = {
  permits: 0,
  latePermits: 1,
  firstDelay: 2,
  nextDelay: 3,
  lateNextDelay: 4,
  slots: 5,
  breaker: 6,
  breakerFor: 7,
  heldFor: 8,
  pods: 9,
  answeredAgo: 10,
} as const;

/**
 * Gives a pod a block of calls by the sum of `reserveBlock` (libs/quotes/src/rate-budget.ts) and its share of the calls at
 * once; takes the note that it is alive, and what calls it has made by itself while Redis was away. An open breaker gives none, a half-open one a single call to a single pod.
 */
export const LEASE = `
  local pod, interval, burst, horizon = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
  local wanted, ahead, late_wanted = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
  local late_share, late_burst = tonumber(ARGV[8]), tonumber(ARGV[9])
  local concurrency, used, slots_wanted, pod_ttl = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
  local mode, probe_ttl, has_answered, owed = ARGV[14], tonumber(ARGV[15]), ARGV[16] == '1', tonumber(ARGV[17])
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local known, fields = redis.call('HGETALL', KEYS[1]), {}
  for at = 1, #known, 2 do fields[known[at]] = known[at + 1] end
  local function number(name) return tonumber(fields[name] or 0) end
  local function keep(name, value) redis.call('HSET', KEYS[1], name, string.format('%.0f', value)) end

  local pods, taken, sharing, is_short = 1, 0, 1, false
  for name, value in pairs(fields) do
    if string.sub(name, 1, 4) == 'pod:' and name ~= 'pod:' .. pod then
      local slots, wants, ends = string.match(value, '(%d+) (%d+) (%d+)')
      if tonumber(ends) <= now then
        redis.call('HDEL', KEYS[1], name)
      else
        pods, taken = pods + 1, taken + slots
        if tonumber(wants) > 0 then sharing = sharing + 1 end
        if tonumber(wants) > tonumber(slots) then is_short = true end
      end
    end
  end
  local slots = math.max(0, math.min(slots_wanted, concurrency - taken))
  if is_short then slots = math.min(slots, math.max(used, math.ceil(concurrency / sharing))) end
  redis.call('HSET', KEYS[1], 'pod:' .. pod, string.format('%.0f %.0f %.0f', math.max(slots, used), slots_wanted, now + pod_ttl))

  local held = math.max(0, number('held_until') - now)
  local breaker, breaker_for = 0, 0
  if mode == 'open' then
    breaker, breaker_for = 1, 1000000
  elseif mode == 'auto' and fields['open_until'] then
    breaker, breaker_for = 1, math.max(number('open_until'), number('probe_until')) - now
    if breaker_for <= 0 then breaker, breaker_for = 2, 0 end
  end
  if held > 0 or breaker == 1 then wanted, ahead, late_wanted = 0, 0, 0 end
  if breaker == 2 then
    wanted, ahead = math.min(wanted, 1), 0
    late_wanted = math.min(late_wanted, 1 - wanted)
  end
  wanted = math.min(wanted, math.max(0, slots - used) + ahead)

  local whole = math.max(number('whole'), now) + owed * interval
  local first = whole + interval - burst * interval - now
  local delay, count = first, 0
  while (count < wanted and delay <= horizon) or (count < wanted + ahead and delay <= 0) do
    count, whole, delay = count + 1, whole + interval, delay + interval
  end
  local late_interval = interval / late_share
  local late_whole, late = math.max(number('late_whole'), now), 0
  local function late_delay() return late_whole + late_interval - late_burst * late_interval - now end
  while late < late_wanted and delay <= 0 and late_delay() <= 0 do
    late, whole, delay, late_whole = late + 1, whole + interval, delay + interval, late_whole + late_interval
  end
  if count > 0 or late > 0 or owed > 0 then keep('whole', whole) end
  if late > 0 then keep('late_whole', late_whole) end
  if breaker == 2 and count + late > 0 then
    breaker = 3
    keep('probe_until', now + probe_ttl)
  end
  if has_answered then
    fields['answered_at'] = now
    keep('answered_at', now)
  end
  redis.call('EXPIRE', KEYS[1], 86400)
  local ago = -1
  if fields['answered_at'] then ago = now - number('answered_at') end
  return { count, late, first, math.max(0, delay), math.max(0, delay, late_delay()), slots, breaker, breaker_for, held, pods, ago }`;

/** Takes note of a finding. A trip that is not the probe's leaves a breaker alone that is open already. */
export const SETTLE = `
  local kind, length, longest, is_probe = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local function keep(name, value) redis.call('HSET', KEYS[1], name, string.format('%.0f', value)) end
  if kind == 'hold' then
    keep('held_until', math.max(tonumber(redis.call('HGET', KEYS[1], 'held_until') or 0), now + length))
  elseif kind == 'trip' then
    local is_open = redis.call('HEXISTS', KEYS[1], 'open_until') == 1
    if not is_open or is_probe then
      local opened = tonumber(redis.call('HINCRBY', KEYS[1], 'opened', 1))
      keep('open_until', now + math.min(longest, length * 2 ^ (opened - 1)))
      redis.call('HDEL', KEYS[1], 'probe_until')
    end
  elseif kind == 'close' then
    redis.call('HDEL', KEYS[1], 'open_until', 'probe_until', 'opened')
  else
    redis.call('HDEL', KEYS[1], 'probe_until')
  end
  redis.call('EXPIRE', KEYS[1], 86400)
  return { 1 }`;

export const LEAVE = `return redis.call('HDEL', KEYS[1], ARGV[1])`;
