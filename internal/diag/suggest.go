package diag

import (
	"sort"
	"strings"
)

// leastPrefix is how much of a candidate has to be typed for the rest to be guessed.
const leastPrefix = 4

// Suggest returns the candidate nearest to word, "" when none is near: about one edit for every four letters, or else the
// shortest that begins with it.
func Suggest(word string, candidates []string) string {
	sorted := append([]string(nil), candidates...)
	sort.Strings(sorted)
	best, least := "", max(1, (len(word)+2)/4)+1
	for _, c := range sorted {
		if strings.EqualFold(c, word) && c != word {
			return c
		}
		if d := distance(strings.ToLower(word), strings.ToLower(c), least); d < least && c != word && d < len(word) {
			best, least = c, d
		}
	}
	if best == "" && len(word) >= leastPrefix {
		for _, c := range sorted {
			if len(c) > len(word) && strings.EqualFold(c[:len(word)], word) && (best == "" || len(c) < len(best)) {
				best = c
			}
		}
	}
	return best
}

// distance is the edit distance of a and b, or limit when it is at least that.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next := min(row[j]+1, row[j-1]+1, diagonal+cost)
			diagonal, row[j] = row[j], next
		}
	}
	return min(row[len(b)], limit)
}
