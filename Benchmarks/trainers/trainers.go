// Trainers that report as fast as they are answered, one connection and one session each.
//
//	trainers PORT[,PORT…] load TRAINERS SECONDS BATCH    reports a second, and how long an answer takes
//	trainers PORT fill SESSIONS REPORTS                  opens sessions and reports REPORTS steps in each
//
// Trainers share several servers evenly; each stays at one, as its connection does behind a load balancer.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

const specification = `{"schedule":{"type":"cosine","base_lr":0.1,"total_steps":100000},` +
	`"policies":[{"type":"torch.ReduceLROnPlateau","patience":10,"factor":0.9}]}`

type client struct {
	connection net.Conn
	reader     *bufio.Reader
	request    []byte
}

func dial(port string) *client {
	connection, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		panic(err)
	}
	return &client{connection: connection, reader: bufio.NewReader(connection)}
}

func (c *client) ask(method, path, content string) int {
	c.request = append(c.request[:0], method...)
	c.request = append(c.request, ' ')
	c.request = append(c.request, path...)
	c.request = append(c.request, " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "...)
	c.request = strconv.AppendInt(c.request, int64(len(content)), 10)
	c.request = append(c.request, "\r\n\r\n"...)
	c.request = append(c.request, content...)
	if _, err := c.connection.Write(c.request); err != nil {
		panic(err)
	}
	status, length := 0, 0
	for {
		line, err := c.reader.ReadString('\n')
		if err != nil {
			panic(err)
		}
		if status == 0 {
			status, _ = strconv.Atoi(line[9:12])
		} else if strings.HasPrefix(line, "Content-Length: ") {
			length, _ = strconv.Atoi(strings.TrimSpace(line[16:]))
		} else if line == "\r\n" {
			break
		}
	}
	c.reader.Discard(length)
	return status
}

func check(status int, wanted ...int) {
	for _, want := range wanted {
		if status == want {
			return
		}
	}
	panic(fmt.Sprint("answered ", status))
}

func content(step, batch int) string {
	if batch == 1 {
		return fmt.Sprintf(`{"step":%d,"loss":%.4f}`, step, 2+100/float64(step+10))
	}
	var text strings.Builder
	text.WriteString(`{"reports":[`)
	for index := 0; index < batch; index++ {
		if index > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"step":%d,"loss":%.4f}`, step+index, 2+100/float64(step+index+10))
	}
	text.WriteString("]}")
	return text.String()
}

func load(ports []string, trainers, seconds, batch int) {
	run := time.Now().UnixNano()
	times := make([][]time.Duration, trainers)
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(trainers)
	done.Add(trainers)
	for number := 0; number < trainers; number++ {
		go func(number int) {
			defer done.Done()
			c := dial(ports[number%len(ports)])
			path := fmt.Sprintf("/sessions/bench-%d-%d", run, number)
			check(c.ask("PUT", path, specification), 201)
			ready.Done()
			<-start
			end := time.Now().Add(time.Duration(seconds) * time.Second)
			for step := 0; ; step += batch {
				before := time.Now()
				if before.After(end) {
					return
				}
				check(c.ask("POST", path+"/next", content(step, batch)), 200)
				times[number] = append(times[number], time.Since(before))
			}
		}(number)
	}
	ready.Wait()
	close(start)
	done.Wait()
	var all []time.Duration
	for _, own := range times {
		all = append(all, own...)
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	fmt.Printf("%d %.0f %.2f %.2f\n", trainers, float64(len(all)*batch)/float64(seconds),
		float64(all[len(all)/2].Microseconds())/1000, float64(all[len(all)*99/100].Microseconds())/1000)
}

func fill(port string, sessions, reports int) {
	var done sync.WaitGroup
	for worker := 0; worker < 64; worker++ {
		done.Add(1)
		go func(worker int) {
			defer done.Done()
			c := dial(port)
			for number := worker; number < sessions; number += 64 {
				path := fmt.Sprintf("/sessions/fill-%d", number)
				check(c.ask("PUT", path, specification), 200, 201)
				for step := 0; step < reports; step++ {
					check(c.ask("POST", path+"/next", content(step, 1)), 200)
				}
			}
		}(worker)
	}
	done.Wait()
}

func main() {
	number := func(index int) int {
		value, err := strconv.Atoi(os.Args[index])
		if err != nil {
			panic(err)
		}
		return value
	}
	if os.Args[2] == "load" {
		load(strings.Split(os.Args[1], ","), number(3), number(4), number(5))
	} else {
		fill(os.Args[1], number(3), number(4))
	}
}
