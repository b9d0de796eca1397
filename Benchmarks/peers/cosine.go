// A peer for the benchmark: net/http answering the same POST /schedule for a cosine, with encoding/json.
package main

import (
	"encoding/json"
	"math"
	"net/http"
	"os"
)

type request struct {
	Schedule struct {
		Type       string  `json:"type"`
		BaseLR     float64 `json:"base_lr"`
		EndLR      float64 `json:"end_lr"`
		TotalSteps float64 `json:"total_steps"`
	} `json:"schedule"`
	Steps int `json:"steps"`
}

func main() {
	http.HandleFunc("/schedule", func(w http.ResponseWriter, r *http.Request) {
		var q request
		if json.NewDecoder(r.Body).Decode(&q) != nil || q.Schedule.Type != "cosine" || q.Schedule.TotalSteps <= 0 ||
			q.Steps < 0 || q.Steps > 10000000 {
			http.Error(w, "bad request", 400)
			return
		}
		rates := make([]float64, q.Steps)
		for t := range rates {
			p := math.Min(float64(t)/q.Schedule.TotalSteps, 1)
			rates[t] = q.Schedule.EndLR + (q.Schedule.BaseLR-q.Schedule.EndLR)*(1+math.Cos(math.Pi*p))/2
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string][]float64{"learning_rates": rates})
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
