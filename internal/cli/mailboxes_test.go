package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/investigation"
)

// TestMailboxesAlone hunts a unified audit log and nothing else. Ann's session is used at a strange network while she
// works at the office; Ben takes his laptop, and with it his session, on a journey.
func TestMailboxesAlone(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	n := 0
	record := func(user, ip, session string, at time.Time) {
		n++
		fmt.Fprintf(&log, `{"Type":"OfficeActivity","TimeGenerated":%q,"OfficeId":"r%d","RecordType":"ExchangeItemAggregated","Operation":"MailItemsAccessed","UserType":"Regular","OfficeWorkload":"Exchange","UserId":"%s@example.com","ClientIP":%q,"OrganizationId":"7a9c1b52-3f0e-4a6d-8c55-0d2f6be1a001","AppAccessContext":{"AADSessionId":%q}}`+"\n",
			at.Format(time.RFC3339), n, user, ip, session)
	}
	first := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for day := range 10 {
		for quarter := range 32 {
			at := first.Add(time.Duration(day)*24*time.Hour + time.Duration(quarter)*15*time.Minute)
			record("ann", "198.51.100.21", "a", at)
			if day < 8 {
				record("ben", "198.51.100.22", "b", at)
			} else {
				record("ben", "192.0.2.22", "b", at)
			}
			if day == 8 && quarter < 6 {
				record("ann", "203.0.113.66", "a", at.Add(7*time.Minute))
			}
		}
	}
	path := filepath.Join(t.TempDir(), "OfficeActivity.jsonl")
	if err := os.WriteFile(path, []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := Main([]string{"hunt", oneThread, path, "--format", "json"}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != exitPartial {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	var inv investigation.Investigation
	if err := json.Unmarshal(out.Bytes(), &inv); err != nil {
		t.Fatal(err)
	}
	if len(inv.Findings) != 1 || inv.Findings[0].User != "ann@example.com" || len(inv.Findings[0].Events) != 6 {
		t.Errorf("findings %+v, want Ann's session with its six records", inv.Findings)
	}
	if w := strings.Join(inv.Evidence.Warnings, "\n"); !strings.Contains(w, "no sign-in evidence of users: only what 2 accounts did") || !strings.Contains(w, "CANNOT be excluded") {
		t.Errorf("the warnings do not say what is missing: %s", w)
	}
	if len(inv.UsersNotAssessed) != 2 {
		t.Errorf("not assessed are %v, want both", inv.UsersNotAssessed)
	}
}
