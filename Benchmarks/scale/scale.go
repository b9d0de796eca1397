// Simulates very many trainers over some servers and some nodes of a database, from costs that were measured on one machine
// (Scripts/bench-sessions, ONLY=shared): where it saturates, and what look-ahead does to the load.
//
//	go run Benchmarks/scale/scale.go [-trainers 1000000] [-step 1] …
//
// Every request is simulated: it waits for a core of its server, for the server's one writer, which takes all that has come
// together into one transaction, for the network, for a core of each node that has some of its sessions, and for its disk. A
// trainer that looks ahead by one step waits for its rate; one that looks further only if the answer comes later than the rates last.
package main

import (
	"container/heap"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"sort"
	"strconv"
	"strings"
)

// Costs in seconds, measured; see Docs/scale.md.
type costs struct {
	request, report          float64 // of the server's processor
	transaction, event, text float64 // of the database's processor: each transaction, each event, each report in it
	disk, network            float64 // waits
	eventLog, textLog, rate  float64 // octets of the database's log: each event, each report in it; and how many its disk takes a second
}

type trainer struct {
	step    float64 // seconds a step takes
	next    float64 // when it has made the steps of its next request
	session int
}

type request struct {
	trainer int
	came    float64
	reports int
}

// A machine that takes work in the order of its coming, on some cores and one disk.
type machine struct {
	free []float64 // when each core is free; the least first
	busy float64
	disk float64 // when its disk is free
	log  float64 // octets
}

func (m *machine) take(now, work float64) float64 {
	start := math.Max(now, m.free[0])
	m.free[0] = start + work
	m.busy += work
	for index := 0; ; {
		least := index
		for child := 2*index + 1; child <= 2*index+2 && child < len(m.free); child++ {
			if m.free[child] < m.free[least] {
				least = child
			}
		}
		if least == index {
			return start + work
		}
		m.free[index], m.free[least] = m.free[least], m.free[index]
		index = least
	}
}

type server struct {
	machine
	waiting   []request
	isWriting bool
}

type event struct {
	at     float64
	kind   int // 0: a trainer asks, 1: a server has decided, 2: a server's transaction is written
	number int
	asked  request
	batch  []request
}

type queue []event

func (q queue) Len() int           { return len(q) }
func (q queue) Less(a, b int) bool { return q[a].at < q[b].at }
func (q queue) Swap(a, b int)      { q[a], q[b] = q[b], q[a] }
func (q *queue) Push(x any)        { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

type result struct {
	requests, reports       float64 // a second
	serversBusy, nodesBusy  float64 // parts of their processors
	log                     float64 // octets a second of all nodes
	batch                   float64 // requests a transaction
	median, p99, slowerThan float64 // seconds; the part by which the trainings take longer than without a server
}

const largestBatch = 8192

func simulate(c costs, trainers, servers, serverCores, nodes, nodeCores, ahead int, step, seconds float64) result {
	random := rand.New(rand.NewSource(1))
	all := make([]trainer, trainers)
	events := make(queue, 0, trainers)
	for number := range all {
		// Some trainings are faster than others: half of them within 30 % of the median.
		own := step * math.Exp(0.4*random.NormFloat64())
		all[number] = trainer{step: own, session: random.Intn(1 << 30)}
		first := random.Float64() * own * float64(ahead)
		events = append(events, event{at: first, kind: 0, number: number})
	}
	heap.Init(&events)
	machines := make([]*server, servers)
	for index := range machines {
		machines[index] = &server{machine: machine{free: make([]float64, serverCores)}}
	}
	stores := make([]*machine, nodes)
	for index := range stores {
		stores[index] = &machine{free: make([]float64, nodeCores)}
	}
	// The first request of each trainer falls evenly into its first window: from then on it is measured.
	warm := step * float64(ahead) * 2
	if warm > seconds {
		warm = seconds
	}
	end := warm + seconds
	var latencies []float64
	var requests, reports, transactions, waited, trained float64
	share := make([]int, nodes)
	write := func(s *server, number int, now float64) {
		size := len(s.waiting)
		if size > largestBatch {
			size = largestBatch
		}
		batch := append([]request(nil), s.waiting[:size]...)
		s.waiting = append(s.waiting[:0], s.waiting[size:]...)
		s.isWriting = true
		for index := range share {
			share[index] = 0
		}
		texts := 0
		for _, r := range batch {
			share[all[r.trainer].session%nodes]++
			texts += r.reports
		}
		done := now
		touched := 0
		for index, count := range share {
			if count == 0 {
				continue
			}
			touched++
			own := float64(texts) * float64(count) / float64(len(batch))
			m := stores[index]
			made := m.take(now+c.network/2, c.transaction+float64(count)*c.event+own*c.text)
			octets := float64(count)*c.eventLog + (own-float64(count))*c.textLog
			m.log += octets
			m.disk = math.Max(made, m.disk) + octets/c.rate
			done = math.Max(done, m.disk+c.disk)
		}
		if touched > 1 {
			// Two phases: all nodes must have prepared before one commits.
			done += c.network + c.disk
		}
		transactions++
		heap.Push(&events, event{at: done + c.network/2, kind: 2, number: number, batch: batch})
	}
	answered := func(r request, now float64) {
		t := &all[r.trainer]
		latency := now + c.network - r.came
		// The window that the request was for begins when it was sent; with look-ahead the steps of the window run meanwhile.
		window := t.step * float64(r.reports)
		start := r.came
		if ahead == 1 {
			start = now + c.network/2
		} else if now+c.network/2 > r.came+window {
			start = now + c.network/2 - window
		}
		if r.came >= warm {
			latencies = append(latencies, latency)
			requests++
			reports += float64(r.reports)
			waited += start - r.came
			trained += window
		}
		t.next = start + window
		heap.Push(&events, event{at: t.next, kind: 0, number: r.trainer})
	}
	for len(events) > 0 {
		e := heap.Pop(&events).(event)
		if e.at > end {
			break
		}
		switch e.kind {
		case 0:
			// Behind a load balancer a trainer's connection stays at one server.
			number := e.number % servers
			r := request{trainer: e.number, came: e.at, reports: ahead}
			done := machines[number].take(e.at+c.network/2, c.request+float64(ahead)*c.report)
			heap.Push(&events, event{at: done, kind: 1, number: number, asked: r})
		case 1:
			s := machines[e.number]
			s.waiting = append(s.waiting, e.asked)
			if !s.isWriting {
				write(s, e.number, e.at)
			}
		case 2:
			for _, r := range e.batch {
				answered(r, e.at)
			}
			s := machines[e.number]
			s.isWriting = false
			if len(s.waiting) > 0 {
				write(s, e.number, e.at)
			}
		}
	}
	var r result
	r.requests, r.reports = requests/seconds, reports/seconds
	for _, s := range machines {
		r.serversBusy += s.busy / float64(servers*serverCores) / end
	}
	for _, s := range stores {
		r.nodesBusy += s.busy / float64(nodes*nodeCores) / end
		r.log += s.log / end
	}
	r.batch = requests / seconds * end / math.Max(transactions, 1)
	if len(latencies) > 0 {
		sort.Float64s(latencies)
		r.median, r.p99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	}
	r.slowerThan = waited / math.Max(trained, 1e-9)
	return r
}

func numbers(text string) []int {
	var found []int
	for _, part := range strings.Split(text, ",") {
		number, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || number < 1 {
			panic("not a list of numbers above 0: " + text)
		}
		found = append(found, number)
	}
	return found
}

func main() {
	trainers := flag.Int("trainers", 1000000, "how many trainers")
	step := flag.Float64("step", 1, "seconds that a step takes, the median")
	seconds := flag.Float64("seconds", 4, "seconds that are simulated after the start")
	serverCores := flag.Int("server-cores", 4, "cores of a server")
	nodeCores := flag.Int("node-cores", 16, "cores of a node of the database")
	servers := flag.String("servers", "4,16,64", "how many servers")
	nodes := flag.String("nodes", "1,4", "how many nodes of the database")
	aheads := flag.String("ahead", "1,10,100", "steps that a request reports and gets rates for")
	var c costs
	micro := func(place *float64, name string, value float64, help string) {
		flag.Func(name, fmt.Sprintf("%s, in microseconds (default %g)", help, value), func(text string) error {
			number, err := strconv.ParseFloat(text, 64)
			*place = number / 1e6
			return err
		})
		*place = value / 1e6
	}
	flag.Float64Var(&c.eventLog, "log-event", 500, "octets of the database's log for a request's event with one report")
	flag.Float64Var(&c.textLog, "log-report", 21, "octets of it for each further report")
	flag.Float64Var(&c.rate, "disk-rate", 1e9, "octets a second that a node's disk takes")
	micro(&c.request, "cost-request", 40, "the server's processor time for a request")
	micro(&c.report, "cost-report", 2, "the server's processor time for a report in it")
	micro(&c.transaction, "cost-transaction", 350, "the database's processor time for a transaction")
	micro(&c.event, "cost-event", 11, "the database's processor time for a request's event")
	micro(&c.text, "cost-text", 1, "the database's processor time for a report in an event")
	micro(&c.disk, "disk", 500, "the wait for a disk")
	micro(&c.network, "network", 500, "there and back between two machines of a data center")
	flag.Parse()
	fmt.Println("| look-ahead | servers | nodes | reports/s | requests/s | servers busy | nodes busy | log | requests a transaction | p50 | p99 | training slower by |")
	fmt.Println("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, ahead := range numbers(*aheads) {
		for _, n := range numbers(*servers) {
			for _, m := range numbers(*nodes) {
				r := simulate(c, *trainers, n, *serverCores, m, *nodeCores, ahead, *step, *seconds)
				fmt.Printf("| %d | %d | %d | %.0f | %.0f | %.0f %% | %.0f %% | %.0f MB/s | %.0f | %.1f ms | %.1f ms | %.2g %% |\n", ahead, n, m, r.reports,
					r.requests, 100*r.serversBusy, 100*r.nodesBusy, r.log/1e6, r.batch, 1e3*r.median, 1e3*r.p99, 100*r.slowerThan)
			}
		}
	}
}
