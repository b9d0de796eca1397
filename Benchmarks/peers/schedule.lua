-- wrk: cosines of 100 steps, another one in every request. They are written before the run starts, so that what is measured
-- is the server and not the writing.
local requests = {}
local n = 0

function init()
  for i = 1, 20000 do
    local rate = 0.0001 * (1 + i % 997)
    local body = '{"schedule":{"type":"cosine","base_lr":' .. rate .. ',"total_steps":' .. (100 + i % 89) .. '},"steps":100}'
    requests[i] = wrk.format("POST", "/schedule", {["Content-Type"] = "application/json", ["Host"] = "127.0.0.1"}, body)
  end
end

function request()
  n = n % #requests + 1
  return requests[n]
end
