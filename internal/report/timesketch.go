package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

// timesketchEvent is an event as Timesketch imports it: three fields that it needs, and ours, which become attributes.
// https://timesketch.org/guides/user/import-from-json-csv/
type timesketchEvent struct {
	Message       string `json:"message"`
	Datetime      string `json:"datetime"`
	TimestampDesc string `json:"timestamp_desc"`
	Finding       string `json:"finding"`
	Verdict       string `json:"verdict"`
	User          string `json:"user"`
	Role          string `json:"role"`
	Table         string `json:"table"`
	Key           string `json:"key"`
	IP            string `json:"ip"`
	AppID         string `json:"app_id"`
	App           string `json:"app"`
	Resource      string `json:"resource"`
	UserAgent     string `json:"user_agent"`
	SessionID     string `json:"session_id"`
	ResultType    string `json:"result_type"`
	SourceFile    string `json:"source_file"`
	SourceRow     int64  `json:"source_row"`
}

// doings are the roles of events as a line of a timeline says them.
var doings = map[finding.Role]string{
	finding.Attacker: "attacker in the name of", finding.Root: "own sign-in that began the session, by", finding.Victim: "own use of the session, by", finding.Control: "control by",
}

// timesketch renders one event of the findings per line.
func timesketch(w io.Writer, inv *investigation.Investigation) error {
	enc := json.NewEncoder(escape.JSON(w)) // tags are escaped: a web page will show them
	for i := range inv.Findings {
		f := &inv.Findings[i]
		for _, e := range f.Events {
			message := fmt.Sprintf("%s: %s %s from %s", f.Verdict, doings[e.Role], f.User, e.IP)
			if about := strings.TrimSpace(e.App + " " + e.Resource); about != "" {
				message += " (" + about + ")"
			}
			line := timesketchEvent{
				message, e.Time.UTC().Format(time.RFC3339Nano), "Event of " + e.Table, f.ID, string(f.Verdict), f.User, string(e.Role), e.Table, e.Key, e.IP,
				e.AppID, e.App, e.Resource, e.UserAgent, e.SessionID, e.ResultType, e.File, e.Row,
			}
			if err := enc.Encode(line); err != nil {
				return err
			}
		}
	}
	return nil
}
