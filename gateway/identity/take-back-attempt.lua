-- Takes one counted attempt to log in back.
--
-- KEYS   1: the subject's attempts (hash: count, lastMs)
-- reply  1

local count = tonumber(redis.call('HGET', KEYS[1], 'count')) or 0
if count > 1 then
  redis.call('HINCRBY', KEYS[1], 'count', -1)
else
  redis.call('DEL', KEYS[1])
end
return 1
