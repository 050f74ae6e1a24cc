package simulate

import (
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
)

// runLength is how many events are rendered at once: enough that handing them over costs nothing, few enough that the
// texts of the runs under way, some kB a row and shape, stay within megabytes.
const runLength = 128

// errStopped ends the making of events that nobody takes any more.
var errStopped = errors.New("stopped")

// inOrder makes events a day ahead, renders runs of them in as many goroutines as there are processors, and takes what
// was rendered in the order of the events. Every goroutine has a renderer of its own.
func inOrder[T any](each func(yield func(day []due) error) error, renderer func() func(run []due) T, take func(T) error) error {
	type job struct {
		run  []due
		done chan T
	}
	workers := runtime.GOMAXPROCS(0)
	days, jobs, order := make(chan []due), make(chan job, workers), make(chan job, 2*workers)
	var stopped atomic.Bool
	var made error // set before days is closed, read after order is
	go func() {
		defer close(days)
		made = each(func(day []due) error {
			if stopped.Load() {
				return errStopped
			}
			days <- day
			return nil
		})
	}()
	go func() {
		defer close(order)
		defer close(jobs)
		for day := range days {
			for run := range slices.Chunk(day, runLength) {
				if stopped.Load() {
					break
				}
				j := job{run, make(chan T, 1)}
				order <- j
				jobs <- j
			}
		}
	}()
	for range workers {
		go func() {
			render := renderer()
			for j := range jobs {
				j.done <- render(j.run)
			}
		}()
	}
	var failed error
	for j := range order {
		if text := <-j.done; failed == nil {
			failed = take(text)
			stopped.Store(failed != nil)
		}
	}
	if failed != nil {
		return failed
	}
	return made
}
