package simulate

import (
	"fmt"
	"sort"
	"strings"
	"testing"
)

// share counts in how many rows and at how many users a feature's value is met, among attackers and among others.
type share struct {
	rows  [2]int
	users [2]map[string]bool
}

// TestLeaks trains the simplest rules there are, one for each value of each feature of a row, and fails where one of
// them gives attackers away: a value that a good part of the attackers' rows has and that is many times rarer among
// ordinary ones. Features are every column, the pattern of its text, what is in it and how long it is, the digits of
// the times, the lag, and the place of the row among its neighbours. What a scenario means to be visible is no leak:
// it is found by looking at the user, and the test looks at rows alone.
func TestLeaks(t *testing.T) {
	if testing.Short() {
		t.Skip("many rows are measured: not in short mode")
	}
	seen := map[string]*share{}
	total := share{users: [2]map[string]bool{{}, {}}}
	for seed := uint64(1); seed <= 3; seed++ {
		collect(t, seed, seen, &total)
	}
	if total.rows[1] < 1000 {
		t.Fatalf("only %d rows of attackers: nothing is measured", total.rows[1])
	}
	var leaks []string
	for feature, s := range seen {
		caught := float64(s.rows[1]) / float64(total.rows[1])
		false0 := float64(s.rows[0]) / float64(total.rows[0])
		victims := float64(len(s.users[1])) / float64(len(total.users[1]))
		others := float64(len(s.users[0])) / float64(len(total.users[0]))
		if strings.Contains(feature, "network kind") {
			// This is in no column: lists of autonomous systems may know it. Ordinary people must use what attackers use.
			if caught > 0.03 && others < 0.01 {
				leaks = append(leaks, feature+": hardly anybody else")
			}
			continue
		}
		if caught > 0.03 && victims > 0.08 && caught > 12*false0 && victims > 6*others {
			leaks = append(leaks, fmt.Sprintf("%-70s %5.1f%% of attackers' rows, %6.3f%% of others'; %4.1f%% of victims, %4.1f%% of others", feature, 100*caught, 100*false0, 100*victims, 100*others))
		}
	}
	sort.Strings(leaks)
	for _, l := range leaks {
		t.Error(l)
	}
}

func collect(t *testing.T, seed uint64, seen map[string]*share, total *share) {
	t.Helper()
	tenant, err := Generate(Options{Seed: seed, Users: 80, Days: 10, Incidents: 40})
	if err != nil {
		t.Fatal(err)
	}
	labelled := map[string]bool{}
	for _, i := range tenant.Key.Incidents {
		for table, ids := range i.EventIDs {
			for _, id := range ids {
				labelled[table+id] = true
			}
		}
	}
	layouts, err := tenant.layouts()
	if err != nil {
		t.Fatal(err)
	}
	rows := rowsIn(layouts)
	var before *event
	for _, e := range events(t, tenant) {
		if e.person == nil || e.table == principals {
			continue
		}
		guilty := boolInt(labelled[tableNames[e.table]+e.key()])
		if guilty == 0 && e.id[7]%10 > 0 {
			before = &e
			continue // a tenth of the ordinary rows will do
		}
		r := &rows[e.table]
		r.render(tenant.world, &e)
		who := fmt.Sprint(seed, e.person.index)
		total.rows[guilty]++
		total.users[guilty][who] = true
		for f := range features(&e, r, before) {
			s := seen[f]
			if s == nil {
				s = &share{users: [2]map[string]bool{{}, {}}}
				seen[f] = s
			}
			s.rows[guilty]++
			s.users[guilty][who] = true
		}
		before = &e
	}
}

// personal are columns whose values name a thing of one user's or of one network's; only their patterns are features.
const personal = " Id OriginalRequestId CorrelationId SessionId UniqueTokenIdentifier UserId UserPrincipalName UserDisplayName Identity IPAddress IpAddress ClientIP Client_IPAddress TimeGenerated CreatedDateTime ActivityDateTime AutonomousSystemNumber LocationDetails SignInIdentifier "

func features(e *event, r *row, before *event) map[string]bool {
	out := map[string]bool{}
	for i, c := range r.layout.columns {
		text := string(r.cell(i))
		key := tableNames[e.table] + "." + c.Name
		if !strings.Contains(personal, " "+c.Name+" ") {
			out[key+" = "+text] = true
		}
		out[key+" looks like "+pattern(text)] = true
		out[fmt.Sprintf("%s has %d bytes", key, len(text))] = true
	}
	key := tableNames[e.table]
	ticks := e.at.Nanosecond() / 100
	out[fmt.Sprintf("%s ticks end in %d", key, ticks%10)] = true
	out[fmt.Sprintf("%s ticks begin with %d", key, ticks/1000000)] = true
	out[fmt.Sprintf("%s second %d", key, e.at.Second())] = true
	out[fmt.Sprintf("%s minute %d", key, e.at.Minute())] = true
	out[fmt.Sprintf("%s hour %d", key, e.at.Hour())] = true
	out[fmt.Sprintf("%s lag %d min", key, int(e.arrival.Sub(e.at).Minutes()))] = true
	out[fmt.Sprintf("%s id begins %x", key, e.id[0]>>4)] = true
	out[fmt.Sprintf("%s id ends %x", key, e.id[15]&15)] = true
	out[fmt.Sprintf("%s network kind %d", key, e.kind())] = true
	if before != nil {
		out[fmt.Sprintf("%s after a row of %s", key, tableNames[before.table])] = true
		out[fmt.Sprintf("%s after the same user: %v", key, before.person == e.person)] = true
	}
	return out
}

func (e *event) kind() int {
	if e.place.net == nil {
		return -1
	}
	return int(e.place.net.kind)
}

// pattern keeps what a text is made of: runs of digits, hexadecimal letters and other letters.
func pattern(s string) string {
	if len(s) > 80 {
		return "long"
	}
	var b strings.Builder
	last := rune(0)
	for _, c := range s {
		class := c
		switch {
		case c >= '0' && c <= '9':
			class = '0'
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			class = 'a'
		}
		if class != last {
			b.WriteRune(class)
		}
		last = class
	}
	return b.String()
}
