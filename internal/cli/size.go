package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// ownShare is how many tenths of the memory are Go's: beyond it the collector works harder.
const ownShare = 3

// size is a flag's value in bytes, given as 500MB or 1.5GiB.
type size int64

// units are those of sizes; the longer of two that end alike stands first.
var units = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
}

// minMemory is the least with which the copies of a wide table's rows can be folded.
const minMemory = 300e6

// Set reads a size.
func (s *size) Set(text string) error {
	for _, u := range units {
		number := strings.TrimSpace(text)
		if at := len(number) - len(u.name); at > 0 && strings.EqualFold(number[at:], u.name) {
			n, err := strconv.ParseFloat(strings.TrimSpace(number[:at]), 64)
			if err != nil || !(n*u.bytes < 1e15) {
				break
			}
			if n*u.bytes < minMemory {
				return fmt.Errorf("at least 300MB are needed")
			}
			*s = size(n * u.bytes)
			return nil
		}
	}
	return fmt.Errorf("a size is a number and a unit, such as 500MB or 4GB")
}

// String writes the size in the largest unit that it is a whole number of.
func (s *size) String() string {
	for i := len(units) - 1; i >= 0; i-- {
		if n := float64(*s) / units[i].bytes; n >= 1 && n == float64(int64(n)) {
			return strconv.FormatInt(int64(n), 10) + units[i].name
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Type names the kind of value in the help.
func (s *size) Type() string { return "size" }
